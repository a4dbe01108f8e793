import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { isUnfinished } from "./unfinishedStarter.ts";

const STARTER = new Map([
  ["server.js", Buffer.from("listen()")],
  ["lib/help.js", Buffer.from("help()")],
]);

/** As Docker packs a folder `api` with these files. */
async function docker(files: Record<string, string>): Promise<Readable> {
  const tar = pack();
  tar.entry({ name: "api/", type: "directory" });
  for (const [path, content] of Object.entries(files)) tar.entry({ name: `api/${path}` }, content);
  tar.finalize();
  const parts: Buffer[] = [];
  for await (const part of tar) parts.push(part as Buffer);
  return Readable.from(parts);
}
const look = async (files: Record<string, string>) => await isUnfinished(await docker(files), STARTER);

describe("a starter is unfinished", () => {
  test.each([
    ["where nothing but the folder is there", {}],
    ["where a file of it is missing", { "server.js": "listen()" }],
    ["where a file of it ends early", { "server.js": "listen()", "lib/help.js": "he" }],
    ["where a file of it is empty yet", { "server.js": "" }],
  ])("%s", async (_where, files) => {
    expect(await look(files)).toBe(true);
  });
});

describe("a folder is the project's own", () => {
  test.each([
    ["where the whole starter is there", { "server.js": "listen()", "lib/help.js": "help()" }],
    ["where a file is not the starter's", { "server.js": "listen()", "mine.js": "" }],
    ["where a file was written to", { "server.js": "listen(8080)" }],
    ["where a file that was put before others is gone", { "lib/help.js": "help()" }],
    ["where a file is longer than the starter's", { "server.js": "listen() // mine" }],
  ])("%s", async (_where, files) => {
    expect(await look(files)).toBe(false);
  });
});
