import { createHash } from "node:crypto";
import { readdir, readFile, stat } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { gzip } from "node:zlib";
import { promisify } from "node:util";
import { SlipwayError } from "../../core/errors.ts";

/** One file of the dashboard, whole: its bytes as they are, and as those get them who take them compressed. */
export type BuiltFile = {
  type: string;
  /** Of the content: the same ever after. */
  etag: string;
  isImmutable: boolean;
  bytes: { identity: Buffer; gzip: Buffer | null; br: Buffer | null };
};

/** By path, like `/assets/index-B1a2.js`. */
export type Build = ReadonlyMap<string, BuiltFile>;

/** What is too much to be the dashboard. */
const MOST_BYTES = 64 * 1024 ** 2;
const MOST_FILES = 2000;
const LEAST_COMPRESSED_BYTES = 1024;

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".webmanifest": "application/manifest+json",
  ".txt": "text/plain; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".webp": "image/webp",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".woff": "font/woff",
  ".wasm": "application/wasm",
};
const IS_TEXT = /^(?:text\/|application\/(?:json|manifest|wasm)|image\/svg)/;

/**
 * Reads all that was built into `folder`, so that what is served is one build, whatever becomes of the folder. Where the
 * build left `<file>.br` or `<file>.gz` beside a file they are its compressed forms; else text is compressed here.
 * @throws SlipwayError `setup` where it holds no dashboard, or too much to be one
 */
export async function readBuild(folder: string): Promise<Build> {
  const contents = new Map<string, Buffer>();
  let bytes = 0;
  for (const path of await filesBelow(folder)) {
    const content = await readFile(path);
    bytes += content.length;
    if (bytes > MOST_BYTES || contents.size >= MOST_FILES) {
      throw notADashboard(folder, `it has more than ${MOST_FILES} files or ${MOST_BYTES / 1024 ** 2} MiB`);
    }
    contents.set(`/${relative(folder, path).split(sep).join("/")}`, content);
  }
  if (!contents.has("/index.html")) throw notADashboard(folder, "it has no index.html");
  const build = new Map<string, BuiltFile>();
  for (const [path, content] of contents) {
    if (/\.(?:br|gz)$/.test(path)) continue;
    const type = TYPES[extname(path).toLowerCase()] ?? "application/octet-stream";
    build.set(path, {
      type,
      etag: `"${createHash("sha256").update(content).digest("base64url").slice(0, 22)}"`,
      isImmutable: path.startsWith("/assets/"),
      bytes: {
        identity: content,
        br: contents.get(`${path}.br`) ?? null,
        gzip: contents.get(`${path}.gz`) ?? (await compressed(type, content)),
      },
    });
  }
  return build;
}

/** What tells one build in `folder` from the next: a few numbers of its index; null where there is none. */
export async function buildMark(folder: string): Promise<string | null> {
  try {
    const { ino, mtimeMs, size } = await stat(join(folder, "index.html"));
    return `${ino} ${mtimeMs} ${size}`;
  } catch {
    return null;
  }
}

async function compressed(type: string, content: Buffer): Promise<Buffer | null> {
  if (!IS_TEXT.test(type) || content.length < LEAST_COMPRESSED_BYTES) return null;
  return await promisify(gzip)(content);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true }).catch((cause: unknown) => {
    throw notADashboard(folder, "it cannot be read", cause);
  });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
    .map((entry) => join(entry.parentPath, entry.name));
}

function notADashboard(folder: string, why: string, cause?: unknown): SlipwayError {
  return new SlipwayError(
    {
      code: "setup",
      message: `There is no built dashboard in ${folder}: ${why}.`,
      hint: "npm run dashboard:build",
    },
    { cause },
  );
}
