import { createWriteStream } from "node:fs";
import { mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract } from "tar-stream";
import { SlipwayError } from "../../../../core/errors.ts";
import { linkStaysInside, workspaceParts } from "../../../../core/workspacePath.ts";

/**
 * Unpacks a workspace's tar into `folder`, which must not be there yet: nothing is overwritten. Links are made last, so
 * that nothing is written through one; those that lead out are left out.
 * @returns how many files were written, and which links were not
 */
export async function unpackTo(folder: string, tar: Readable): Promise<{ files: number; leftOut: string[] }> {
  await mkdir(folder).catch((cause: unknown) => {
    throw new SlipwayError(
      {
        code: "bad_request",
        message: `${folder} cannot be made.`,
        hint: "Name a folder that is not there yet.",
      },
      { cause },
    );
  });
  const entries = extract();
  tar.once("error", (error) => entries.destroy(error));
  tar.pipe(entries);
  let files = 0;
  const links: { path: string; target: string }[] = [];
  for await (const entry of entries) {
    const { name, type, linkname, mode = 0 } = entry.header;
    const parts = workspaceParts(name);
    const content = entry as unknown as Readable;
    if (!parts || parts.length === 0 || (type !== "file" && type !== "directory" && type !== "symlink")) {
      content.resume();
      continue;
    }
    const path = parts.join("/");
    const at = join(folder, path);
    if (type === "symlink") links.push({ path, target: linkname ?? "" });
    await mkdir(type === "directory" ? at : dirname(at), { recursive: true });
    if (type !== "file") {
      content.resume();
      continue;
    }
    files += 1;
    await pipeline(content, createWriteStream(at, { flags: "wx", mode: mode & 0o111 ? 0o755 : 0o644 }));
  }
  const leftOut: string[] = [];
  for (const { path, target } of links) {
    if (linkStaysInside(path, target)) await symlink(target, join(folder, path));
    else leftOut.push(path);
  }
  return { files, leftOut };
}
