import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compile } from "./compile.mjs";

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), "slipway-compile-")));
  mkdirSync(join(root, "lib"));
  write("main.ts", 'import { word } from "./lib/word.ts";\nexport const said: string = word;\n');
  write("lib/word.ts", 'export const word = "first";\n');
});
afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): void {
  writeFileSync(join(root, path), text);
}

const build = () => compile(root, join(root, "main.ts"));
/** What the program says, run by Node as a program is. */
function saidBy(file: string): string {
  const program = `console.log((await import(${JSON.stringify(pathToFileURL(file).href)})).said)`;
  return execFileSync(process.execPath, ["--input-type=module", "-e", program], { encoding: "utf8" }).trim();
}
const run = async () => saidBy(await build());

test("a program of unchanged sources is built once", async () => {
  const first = await build();
  expect(await run()).toBe("first");
  expect(await build()).toBe(first);
});

test("a source that changes, in whatever file, makes another build; the earlier one stays for who runs it", async () => {
  const first = await build();
  write("lib/word.ts", 'export const word = "second and longer";\n');
  expect(await build()).not.toBe(first);
  expect(await run()).toBe("second and longer");
  expect(saidBy(first)).toBe("first");
});

test("a source that is gone is a failure that names it, and so is one that cannot be read", async () => {
  await build();
  rmSync(join(root, "lib/word.ts"));
  await expect(build()).rejects.toThrow(/lib\/word\.ts/);
  write("lib/word.ts", "export const word = ;\n");
  await expect(build()).rejects.toThrow(/lib\/word\.ts:1/);
});

test("a source finds what lies beside it, wherever the build is", async () => {
  write("lib/word.ts", "export const word = new URL('data.txt', import.meta.url).pathname;\n");
  expect(await run()).toBe(join(root, "lib/data.txt"));
  write("lib/word.ts", "export const word = import.meta.dirname;\n");
  expect(await run()).toBe(join(root, "lib"));
});

test("what dockerode has for builds and for SSH is loaded where it lies, when it is first called", async () => {
  mkdirSync(join(root, "node_modules/dockerode/lib"), { recursive: true });
  write("node_modules/dockerode/package.json", '{ "name": "dockerode", "main": "./lib/docker.js" }');
  write("node_modules/dockerode/lib/docker.js", 'module.exports = { session: require("./session") };\n');
  write(
    "node_modules/dockerode/lib/session.js",
    "globalThis.loaded = __filename;\nmodule.exports = (word) => word;\n",
  );
  write(
    "main.ts",
    'import docker from "dockerode";\nconst before = "loaded" in globalThis;\nexport const said = [before, docker.session("called"), globalThis.loaded].join();\n',
  );
  expect(await run()).toBe(`false,called,${join(root, "node_modules/dockerode/lib/session.js")}`);
});

test("builds at the same time do not disturb each other", async () => {
  const built = await Promise.all([build(), build(), build()]);
  for (const file of built) expect(saidBy(file)).toBe("first");
});
