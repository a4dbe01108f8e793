import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { extract, pack } from "tar-stream";
import { ContentHash } from "../snapshots/contentHash.ts";
import type { Starters } from "../starters.ts";

/** Path below the volume's top → content. */
export type Files = Map<string, string>;

const FIRST = ".first";
const LAST = ".last";
const FILE_MODE = 0o644;

/** The content of a file that was begun and no more. */
export const TORN = "";

const starters = new Map<string, Buffer>();
/** What tars that were made here hold: the worker passes them on as they are. */
const contents = new WeakMap<Buffer, Files>();

/** A starter has two files, so that it can be there by half. */
export const STARTERS: Starters = {
  tar: async (wanted) => {
    const key = wanted.map(({ stack, folder }) => `${stack} ${folder}`).join(", ");
    const known = starters.get(key);
    if (known) return known;
    const files = new Map(
      wanted.flatMap(({ stack, folder }): [string, string][] => {
        const below = folder === "." ? "" : `${folder}/`;
        return [
          [`${below}${FIRST}`, stack],
          [`${below}${LAST}`, stack],
        ];
      }),
    );
    // Nobody looks into it: what it holds is known by the buffer itself.
    const tar = Buffer.from(key);
    contents.set(tar, files);
    starters.set(key, tar);
    return tar;
  },
  files: async (stack) => new Map([FIRST, LAST].map((name) => [name, Buffer.from(stack)])),
};

/** The folders that a starter was begun in. */
export function startedFolders(paths: Iterable<string>): string[] {
  return [...paths].filter(isFirst).map((path) => path.slice(0, -FIRST.length));
}

/** Whether a starter is there, and all of it. @param folder as `startedFolders` has it */
export function isStarterWhole(files: Files, folder: string): boolean {
  return [FIRST, LAST].every((name) => ![undefined, TORN].includes(files.get(`${folder}${name}`)));
}

function isFirst(path: string): boolean {
  return path === FIRST || path.endsWith(`/${FIRST}`);
}

/** As a snapshot of them is named. */
export function hashOf(files: Files): string {
  const content = new ContentHash();
  for (const [path, text] of files) {
    const digest = createHash("sha256").update(text).digest("hex");
    content.addFile(path, FILE_MODE, text.length, digest);
  }
  return content.result().hash;
}

/** As Docker packs the folder `/workspace`, or one below it. @param below its path there; "": none */
export async function tarOf(files: Files, below = ""): Promise<Buffer> {
  const tar = pack();
  const top = below === "" ? "workspace" : below.slice(below.lastIndexOf("/") + 1);
  const inside = below === "" ? "" : `${below}/`;
  tar.entry({ name: `${top}/`, type: "directory", mode: 0o755, uid: 1000, gid: 1000 });
  for (const [path, content] of files) {
    if (!path.startsWith(inside)) continue;
    const name = `${top}/${path.slice(inside.length)}`;
    tar.entry({ name, mode: FILE_MODE, uid: 1000, gid: 1000 }, content);
  }
  tar.finalize();
  return await buffer(tar);
}

/** As `node:stream/consumers` has it, which goes by way of a blob and the event loop's other threads. */
async function buffer(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** What a tar holds that was made here, without reading it. */
export function knownFiles(tar: Readable | Buffer): Files | undefined {
  return Buffer.isBuffer(tar) ? contents.get(tar) : undefined;
}

/** What a tar of the workspace holds. */
export async function filesOf(tar: Readable | Buffer): Promise<Files> {
  const files: Files = new Map();
  const entries = extract();
  const source = Buffer.isBuffer(tar) ? Readable.from([tar]) : tar;
  const ended = new Promise<void>((resolve, reject) => {
    entries.on("entry", (header, stream, next) => {
      void buffer(stream).then((content) => {
        if (header.type === "file")
          files.set(header.name.replace(/^workspace\//, ""), content.toString("utf8"));
        next();
      }, next);
    });
    entries.on("finish", resolve);
    entries.on("error", reject);
    source.on("error", reject);
    source.on("close", () => reject(new Error("The tar ended in its middle.")));
  });
  source.pipe(entries as unknown as NodeJS.WritableStream);
  await ended;
  return files;
}
