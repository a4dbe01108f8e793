import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, type Extract, type Header, type Pack } from "tar-stream";
import { SlipwayError } from "../../core/errors.ts";
import { ContentHash, type Content } from "./contentHash.ts";

/** What is larger is no source, and would fill the host's disk with every release. */
export const SNAPSHOT_LIMITS = { bytes: 8 * 1024 ** 3, entries: 400_000 };
export type SnapshotLimits = typeof SNAPSHOT_LIMITS;

type Entry = Extract extends AsyncIterable<infer Source> ? Source : never;
/** A header as it is written: what it leaves out has a default. */
type Written = Partial<Header> & Pick<Header, "name" | "type" | "size" | "mode">;

const OWNER = { uid: 1000, gid: 1000 };
const PERMISSIONS = 0o7777;
/** Files up to this size are passed on in one piece. */
const SMALL_BYTES = 256 * 1024;

/**
 * Reads a workspace from its tar, hashes what belongs into a snapshot, and writes that on as a tar of its own.
 * Everything belongs, so that tests need no network, but `.git` folders, a file system's `lost+found`, and what is
 * neither file, folder nor link.
 * @param source as Docker gives it: every name begins with the workspace's own folder
 * @param sink takes the tar; null: it is only hashed
 * @throws SlipwayError `too_much` where it is larger than `limits`, `bad_request` for a name that is no UTF-8
 */
export async function readContent(
  source: Readable,
  sink: Pack | null,
  limits: SnapshotLimits = SNAPSHOT_LIMITS,
): Promise<Content> {
  const content = new ContentHash();
  const entries = extract();
  const fed = pipeline(source, entries);
  // Told by the loop below, which ends with it.
  fed.catch(() => {});
  // Whoever takes the tar hears of it, and so does whoever writes the next entry.
  sink?.on("error", () => {});
  let bytes = 0;
  try {
    for await (const entry of entries) {
      const header = keptHeader(entry.header);
      if (!header) {
        entry.resume();
        continue;
      }
      bytes += header.size;
      if (bytes > limits.bytes || content.size >= limits.entries) throw tooLarge(limits);
      await take(entry, header, content, sink);
    }
    await fed;
    sink?.finalize();
    return content.result();
  } catch (error) {
    sink?.destroy(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    source.destroy();
  }
}

async function take(entry: Entry, header: Written, content: ContentHash, sink: Pack | null): Promise<void> {
  const path = pathOf(header.name);
  const mode = header.mode;
  if (header.type === "file") {
    content.addFile(path, mode, header.size, await takeFile(entry, header, sink));
    return;
  }
  entry.resume();
  // Of the workspace's own folder only what is in it counts.
  if (path !== "") {
    if (header.type === "directory") content.addDirectory(path, mode);
    else if (header.type === "symlink") content.addSymlink(path, header.linkname ?? "");
    else content.addHardLink(path, pathOf(header.linkname ?? ""));
  }
  sink?.entry(header);
}

/** @returns the SHA-256 of the content, in hex */
async function takeFile(entry: Entry, header: Written, sink: Pack | null): Promise<string> {
  const hash = createHash("sha256");
  const size = header.size;
  if (!sink || size <= SMALL_BYTES) {
    const parts: Buffer[] = [];
    for await (const part of entry) {
      hash.update(part as Buffer);
      if (sink) parts.push(part as Buffer);
    }
    // Settles when there is room for the next.
    if (sink) await written((done) => sink.entry(header, Buffer.concat(parts), done));
    return hash.digest("hex");
  }
  await written((done) => {
    const file = sink.entry(header, done);
    void pipeline(async function* () {
      for await (const part of entry) {
        hash.update(part as Buffer);
        yield part as Buffer;
      }
    }, file).catch((error: unknown) => done(error as Error));
  });
  return hash.digest("hex");
}

async function written(write: (done: (error?: Error | null) => void) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => write((error) => (error ? reject(error) : resolve())));
}

/** `header` as it goes into a snapshot, or null for what does not. */
function keptHeader(header: Header): Written | null {
  const { name, type, mode, mtime, size, linkname } = header;
  const kept = type === "contiguous-file" ? "file" : type;
  if (kept !== "file" && kept !== "directory" && kept !== "symlink" && kept !== "link") return null;
  const path = pathOf(name);
  const parts = path.split("/");
  if (parts.includes(".git") || parts[0] === "lost+found") return null;
  if (name.includes("\ufffd")) {
    throw new SlipwayError({
      code: "bad_request",
      message: `The workspace has a file whose name is no UTF-8: ${path}.`,
      hint: "Rename or remove it, and try again.",
    });
  }
  return {
    name: name.replace(/\/$/, ""),
    type: kept,
    mode: mode & PERMISSIONS,
    mtime,
    size: kept === "file" ? size : 0,
    ...(linkname && { linkname }),
    ...OWNER,
  };
}

/** `workspace/src/app.js` → `src/app.js`; the folder itself → the empty text. */
function pathOf(name: string): string {
  const slash = name.indexOf("/");
  return slash < 0 ? "" : name.slice(slash + 1).replace(/\/$/, "");
}

function tooLarge({ bytes, entries }: SnapshotLimits): SlipwayError {
  return new SlipwayError({
    code: "too_much",
    message: `The workspace is too large for a release: more than ${bytes / 1024 ** 3} GiB or ${entries} files.`,
    hint: "Remove what is not needed to test and to run it from /workspace in the dev environment, then try again.",
  });
}
