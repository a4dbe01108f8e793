import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { extract, pack, type Header, type Pack } from "tar-stream";
import { expect, test } from "vitest";
import { ContentHash } from "./contentHash.ts";
import { readContent } from "./readContent.ts";

type File = Partial<Header> & { name: string; content?: string | Buffer };

async function tarOf(files: File[]): Promise<Readable> {
  const tar = pack();
  for (const { content, ...header } of files) {
    if (content === undefined) tar.entry({ type: "directory", mode: 0o755, ...header });
    else tar.entry({ mode: 0o644, ...header }, content);
  }
  tar.finalize();
  return Readable.from([await buffer(tar)]);
}

const hashOf = async (files: File[]) => (await readContent(await tarOf(files), null)).hash;

const FILES: File[] = [
  { name: "workspace/" },
  { name: "workspace/a.js", content: "one" },
  { name: "workspace/src/" },
  { name: "workspace/src/b.js", content: "two", mode: 0o755 },
  { name: "workspace/link", type: "symlink", linkname: "a.js", content: "" },
];

test("the same files give the same hash, whatever their order, times and owner", async () => {
  const other = [...FILES].reverse().map((file) => ({ ...file, mtime: new Date(0), uid: 7, gid: 8 }));
  expect(await hashOf(other)).toBe(await hashOf(FILES));
});

test.each([
  ["content", { name: "workspace/a.js", content: "ONE" }],
  ["mode", { name: "workspace/a.js", content: "one", mode: 0o600 }],
  ["path", { name: "workspace/A.js", content: "one" }],
  ["type", { name: "workspace/a.js", type: "symlink" as const, linkname: "one", content: "" }],
])("another %s gives another hash", async (_, changed) => {
  const files = FILES.map((file) => (file.name === "workspace/a.js" ? changed : file));
  expect(await hashOf(files)).not.toBe(await hashOf(FILES));
});

test("a file's content cannot pass for another file's name", async () => {
  const digest = (text: string) => createHash("sha256").update(text).digest("hex");
  const two = new ContentHash();
  two.addFile("a", 0o644, 1, digest("x"));
  two.addFile("b", 0o644, 1, digest("y"));
  const one = new ContentHash();
  one.addSymlink("a", `${digest("x")}\nfile 644 b`);
  expect(one.result().hash).not.toBe(two.result().hash);
});

test("a hard link is the file that it is, whichever of both comes first", async () => {
  const linked = (first: string, second: string): File[] => [
    { name: `workspace/${first}`, content: "same" },
    { name: `workspace/${second}`, type: "link", linkname: `workspace/${first}`, content: "" },
  ];
  expect(await hashOf(linked("a", "b"))).toBe(await hashOf(linked("b", "a")));
  const apart = ["a", "b"].map((name) => ({ name: `workspace/${name}`, content: "same" }));
  expect(await hashOf(apart)).toBe(await hashOf(linked("a", "b")));
});

test("git's folders, lost+found and what is no file are left out of the hash and of what is written on", async () => {
  const more: File[] = [
    { name: "workspace/.git/" },
    { name: "workspace/.git/HEAD", content: "ref" },
    { name: "workspace/src/.git", content: "gitdir: elsewhere" },
    { name: "workspace/lost+found/" },
    { name: "workspace/pipe", type: "fifo", content: "" },
    { name: "workspace/.gitignore", content: "" },
  ];
  const sink = pack();
  const written = namesIn(sink);
  const content = await readContent(await tarOf([...FILES, ...more]), sink);
  expect(content).toMatchObject({ files: 4, bytes: 6 });
  expect(await written).toEqual([
    "workspace 1000",
    "workspace/a.js 1000",
    "workspace/src 1000",
    "workspace/src/b.js 1000",
    "workspace/link 1000",
    "workspace/.gitignore 1000",
  ]);
});

test("what is written on hashes to the same, large files too", async () => {
  const files = [...FILES, { name: "workspace/large.bin", content: Buffer.alloc(3_000_000, "abc") }];
  const sink = pack();
  const copied = buffer(sink);
  const first = await readContent(await tarOf(files), sink);
  expect(await readContent(Readable.from([await copied]), null)).toEqual(first);
});

test("more than is allowed is refused, and what takes the tar is told", async () => {
  const sink = pack();
  const taken = buffer(sink).catch((error: Error) => error.message);
  const reading = readContent(await tarOf(FILES), sink, { bytes: 4, entries: 100 });
  await expect(reading).rejects.toMatchObject({ data: { code: "too_much" } });
  expect(await taken).toMatch(/too large/);
  const many = readContent(await tarOf(FILES), null, { bytes: 1000, entries: 2 });
  await expect(many).rejects.toMatchObject({ data: { code: "too_much" } });
});

test("half a tar is no workspace", async () => {
  const whole = await buffer(await tarOf([...FILES, { name: "workspace/c", content: Buffer.alloc(5000) }]));
  const half = Readable.from([whole.subarray(0, whole.length - 4000)]);
  await expect(readContent(half, null)).rejects.toThrow();
});

test("a taker that goes away ends the reading", async () => {
  const sink = pack();
  const files = [{ name: "workspace/large.bin", content: Buffer.alloc(3_000_000) }, ...FILES];
  const reading = readContent(await tarOf(files), sink);
  sink.destroy(new Error("Docker hung up"));
  await expect(reading).rejects.toThrow();
});

async function namesIn(sink: Pack): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of sink.pipe(extract())) {
    names.push(`${entry.header.name.replace(/\/$/, "")} ${entry.header.uid}`);
    entry.resume();
  }
  return names;
}
