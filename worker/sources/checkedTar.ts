import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, pack, type Header } from "tar-stream";
import { SlipwayError } from "../../core/errors.ts";
import { SOURCE_LIMITS } from "../../core/source.ts";
import { linkStaysInside, workspaceParts } from "../../core/workspacePath.ts";
import { addFolder, OWNER } from "./packFolder.ts";

/** What a tar from outside holds, once it is known that all of it is files, folders and links inside the workspace. */
export type Contents = { files: number; bytes: number; folders: ReadonlySet<string> };

/**
 * Reads a tar to its end without keeping anything of it.
 * @throws SlipwayError `bad_request` for a name or a kind of entry that does not belong into a workspace, `too_much`
 */
export async function inspectTar(tar: Readable, limits = SOURCE_LIMITS): Promise<Contents> {
  const check = new Check(limits);
  await eachEntry(tar, async (header, content) => {
    check.add(header);
    content.resume();
    await new Promise<void>((resolve, reject) => {
      content.once("end", resolve);
      content.once("error", reject);
    });
  });
  return check;
}

/**
 * The same tar with every name checked and below `prefix`, owned by the workspace's user, modes 0755 and 0644.
 * Fails, as a stream, where {@link inspectTar} throws.
 */
export function checkedTar(tar: Readable, prefix: string, limits = SOURCE_LIMITS): Readable {
  const out = pack();
  const check = new Check(limits);
  const run = async () => {
    const made = new Set<string>();
    // Folders that no entry names would be made by the engine, and be root's.
    const makeFolder = (path: string) => {
      const parts = path.split("/").filter(Boolean);
      for (let depth = 1; depth <= parts.length; depth += 1) {
        const folder = parts.slice(0, depth).join("/");
        if (!made.has(folder)) addFolder(out, folder);
        made.add(folder);
      }
    };
    makeFolder(prefix);
    await eachEntry(tar, async (header, content) => {
      const entry = check.add(header);
      const name = entry && prefix + entry.path;
      if (name) makeFolder(name.slice(0, Math.max(name.lastIndexOf("/"), 0)));
      if (!entry || !name) content.resume();
      else if (entry.kind === "folder") {
        makeFolder(name);
        content.resume();
      } else if (entry.kind === "link") {
        const { linkname } = header;
        out.entry({ ...OWNER, name, type: "symlink", linkname, mode: 0o777 });
        content.resume();
      } else {
        const mode = (header.mode ?? 0) & 0o111 ? 0o755 : 0o644;
        const { size, mtime } = header;
        await pipeline(content, out.entry({ ...OWNER, name, size, mtime, mode }));
      }
    });
    out.finalize();
  };
  run().catch((error: unknown) => out.destroy(error as Error));
  out.once("close", () => tar.destroy());
  return Readable.from(out, { objectMode: false });
}

async function eachEntry(
  tar: Readable,
  take: (header: Header, content: Readable) => Promise<void>,
): Promise<void> {
  const entries = extract();
  tar.once("error", (error) => entries.destroy(error));
  tar.once("close", () => {
    if (!tar.readableEnded) entries.destroy(new Error("The archive ends too early."));
  });
  tar.pipe(entries);
  try {
    for await (const entry of entries) {
      await take(entry.header, entry as unknown as Readable);
    }
  } catch (error) {
    if (error instanceof SlipwayError) throw error;
    throw refused("it is no tar archive, or is cut off", error);
  } finally {
    tar.destroy();
  }
}

class Check implements Contents {
  files = 0;
  bytes = 0;
  readonly folders = new Set<string>();
  private entries = 0;

  constructor(private readonly limits: { files: number; bytes: number }) {}

  /** @returns what the entry is, or null for the archive's own top */
  add(header: Header): { path: string; kind: "file" | "folder" | "link" } | null {
    const { name, type, size = 0, linkname } = header;
    const parts = name.startsWith("/") ? null : workspaceParts(name);
    if (parts === null) throw refused(`it names ${shown(name)}, which is not inside the workspace`);
    this.entries += 1;
    this.bytes += size;
    if (this.entries > this.limits.files) throw tooMuch(`more than ${this.limits.files} files`);
    if (this.bytes > this.limits.bytes)
      throw tooMuch(`more than ${Math.round(this.limits.bytes / 1024 ** 2)} MiB`);
    if (parts.length === 0) return null;
    const path = parts.join("/");
    const above = type === "directory" ? parts.length : parts.length - 1;
    for (let depth = 1; depth <= above; depth += 1) this.folders.add(parts.slice(0, depth).join("/"));
    switch (type) {
      case "directory":
        return { path, kind: "folder" };
      case "file":
      case "contiguous-file":
        this.files += 1;
        return { path, kind: "file" };
      case "symlink":
        if (!linkStaysInside(path, linkname ?? "")) {
          throw refused(`${shown(name)} is a link that leads out of the workspace`);
        }
        this.files += 1;
        return { path, kind: "link" };
      default:
        throw refused(`${shown(name)} is no file, folder or symbolic link`);
    }
  }
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 100));
}

function refused(why: string, cause?: unknown): SlipwayError {
  return new SlipwayError(
    {
      code: "bad_request",
      message: `The archive is refused: ${why}.`,
      hint: "Nothing of it counts; pack it again without that.",
    },
    { cause },
  );
}

function tooMuch(what: string): SlipwayError {
  return new SlipwayError({
    code: "too_much",
    message: `The archive is refused: it holds ${what}.`,
    hint: "Leave out what is made from other files (node_modules, builds).",
  });
}
