import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { expect, test } from "vitest";
import { CODE_LIMITS } from "../../core/codeChunks.ts";
import { readSource, type SourceFile } from "./readSource.ts";
import { syncCode, type CodeStore } from "./syncCode.ts";

function tarOf(files: Record<string, string | Buffer>): Readable {
  const tar = pack();
  tar.entry({ name: "workspace", type: "directory" });
  for (const [path, content] of Object.entries(files)) tar.entry({ name: `workspace/${path}` }, content);
  tar.finalize();
  return Readable.from(tar);
}

async function pathsOf(files: Record<string, string | Buffer>): Promise<string[]> {
  return (await readSource(tarOf(files), "workspace")).files.map((file) => file.path);
}

test("source is text that no .gitignore leaves out, each speaking of its own folder", async () => {
  const files = {
    ".gitignore": "*.log\n/build\n",
    "app.ts": "1",
    "debug.log": "x",
    "build/out.js": "x",
    "web/.gitignore": "secret.ts\n!keep.log\n",
    "web/secret.ts": "x",
    "web/build/page.ts": "x",
    "secret.ts": "x",
  };
  expect(await pathsOf(files)).toEqual([
    ".gitignore",
    "app.ts",
    "secret.ts",
    "web/.gitignore",
    "web/build/page.ts",
  ]);
});

test("what programs made, binaries and large files are never source", async () => {
  const files = {
    "node_modules/a/index.js": "x",
    ".git/config": "x",
    "package-lock.json": "{}",
    "logo.png": Buffer.from([0x89, 0x50, 0, 1]),
    "big.json": "x".repeat(CODE_LIMITS.fileBytes + 1),
    "index.js": "x",
  };
  expect(await pathsOf(files)).toEqual(["index.js"]);
});

class MemoryStore implements CodeStore {
  readonly files = new Map<string, SourceFile>();
  sent: string[] = [];
  codeFiles() {
    return Promise.resolve(new Map([...this.files].map(([path, { hash }]) => [path, hash])));
  }
  indexCode(_projectId: string, file: SourceFile) {
    this.files.set(file.path, file);
    this.sent.push(file.path);
    return Promise.resolve();
  }
  forgetCode(_projectId: string, paths: string[]) {
    for (const path of paths) this.files.delete(path);
    return Promise.resolve();
  }
}

test("only what changed is sent, and what is gone is forgotten", async () => {
  const store = new MemoryStore();
  const sync = async (files: Record<string, string>) =>
    await syncCode(store, "p", await readSource(tarOf(files), "workspace"));
  expect(await sync({ "a.ts": "1", "b.ts": "1", "c.ts": "1" })).toEqual({ sent: 3, forgotten: 0 });
  store.sent = [];
  expect(await sync({ "a.ts": "1", "b.ts": "2" })).toEqual({ sent: 1, forgotten: 1 });
  expect(store.sent).toEqual(["b.ts"]);
  expect([...store.files.keys()]).toEqual(["a.ts", "b.ts"]);
  expect(await sync({ "a.ts": "1", "b.ts": "2" })).toEqual({ sent: 0, forgotten: 0 });
});

test("of a source that was read in part nothing is forgotten", async () => {
  const store = new MemoryStore();
  await syncCode(store, "p", await readSource(tarOf({ "a.ts": "1" }), "workspace"));
  expect(await syncCode(store, "p", { files: [], complete: false })).toEqual({ sent: 0, forgotten: 0 });
});
