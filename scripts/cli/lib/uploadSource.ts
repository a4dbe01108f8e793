import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import * as z from "zod";
import { api } from "../../../convex/_generated/api.js";
import { SlipwayError } from "../../../core/errors.ts";
import { SOURCE_ARCHIVE_TYPE, SOURCE_LIMITS } from "../../../core/source.ts";
import { listFolder, type FolderListing } from "../../../worker/sources/listFolder.ts";
import { packFolder } from "../../../worker/sources/packFolder.ts";
import type { Session } from "./session.ts";

/** Of an upload; Convex's own bound is two minutes. */
const UPLOAD_WITHIN_MS = 120_000;

export type Uploaded = {
  files: number;
  bytes: number;
  archiveBytes: number;
  skipped: FolderListing["skipped"];
};

/**
 * Packs `folder` without what its ignore files leave out, and gives it to the control plane as the project's source.
 * @param listing of the folder, where it was looked at already
 */
export async function uploadSource(
  session: Session,
  project: string,
  folder: string,
  listing?: FolderListing,
): Promise<Uploaded> {
  const { entries, files, bytes, skipped } = listing ?? (await listFolder(folder, { obeyRules: true }));
  const at = await mkdtemp(join(tmpdir(), "slipway-source-"));
  try {
    const file = join(at, "source.tar.gz");
    const hash = createHash("sha256");
    let archiveBytes = 0;
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        archiveBytes += chunk.length;
        hash.update(chunk);
        done(archiveBytes > SOURCE_LIMITS.archiveBytes ? tooLarge(folder) : null, chunk);
      },
    });
    await pipeline(
      packFolder(folder, entries),
      createGzip(),
      measure,
      createWriteStream(file, { mode: 0o600 }),
    );
    const url = await session.http.mutation(api.sources.uploadUrl, { project });
    const storageId = await post(url, file, archiveBytes);
    const sha256 = hash.digest("hex");
    await session.http.mutation(api.sources.attach, {
      project,
      storageId,
      sha256,
      bytes: archiveBytes,
      files,
    });
    return { files, bytes, archiveBytes, skipped };
  } finally {
    await rm(at, { recursive: true, force: true });
  }
}

async function post(url: string, file: string, bytes: number): Promise<string> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": SOURCE_ARCHIVE_TYPE, "content-length": String(bytes) },
      body: Readable.toWeb(createReadStream(file)) as unknown as ReadableStream,
      duplex: "half",
      signal: AbortSignal.timeout(UPLOAD_WITHIN_MS),
    } as RequestInit);
    if (!response.ok)
      throw new Error(`the answer was ${response.status}: ${(await response.text()).slice(0, 200)}`);
    return z.object({ storageId: z.string() }).parse(await response.json()).storageId;
  } catch (cause) {
    throw new SlipwayError(
      {
        code: "source_failed",
        message: "The source could not be uploaded.",
        hint: "Try again: slipway project source <project> <folder>",
      },
      { cause },
    );
  }
}

function tooLarge(folder: string): SlipwayError {
  return new SlipwayError({
    code: "too_much",
    message: `${folder} is larger than ${SOURCE_LIMITS.archiveBytes / 1024 ** 2} MiB, packed.`,
    hint: "Leave out what is made from other files with a .gitignore or a .slipwayignore file.",
  });
}
