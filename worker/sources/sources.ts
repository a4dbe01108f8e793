import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { ReadableStream } from "node:stream/web";
import { createGunzip } from "node:zlib";
import { SlipwayError } from "../../core/errors.ts";
import type { ProjectSpec } from "../../core/projectSpec.ts";
import { isRefusal, parseSource, SOURCE_LIMITS } from "../../core/source.ts";
import { checkedTar, inspectTar } from "./checkedTar.ts";
import { cloneInto } from "./gitClone.ts";
import { listFolder } from "./listFolder.ts";
import { packFolder, WORKSPACE_PREFIX } from "./packFolder.ts";

/** What a workspace begins with, of what `core/compose.ts` knows. */
export type SourceFill = { from: "archive"; name: string } | { from: "git"; url: string; ref: string | null };

/** A source that was fetched and found whole, and is not yet in any workspace. */
export type OpenedSource = {
  /** To be unpacked at `/` of a container that has the workspace. Given once. */
  tar(): Readable;
  /** Whether it has this folder. */
  has(folder: string): boolean;
  /** Removes what was fetched. */
  close(): Promise<void>;
};

/** What the control plane says of an uploaded folder. */
export type StoredSource =
  { state: "ready"; url: string; sha256: string; bytes: number } | { state: "waiting" | "used" };

export interface SourceStore {
  source(projectId: string): Promise<StoredSource>;
}

export type SourceOwner = Pick<ProjectSpec, "projectId" | "slug" | "gitSecrets">;

export interface Sources {
  /** @throws SlipwayError `source_missing`, `source_failed`, `too_much`, `bad_request` */
  open(owner: SourceOwner, fill: SourceFill): Promise<OpenedSource>;
}

/** ms in which a download must go on. */
const SILENCE_MS = 60_000;

/**
 * Archives are kept below the data directory while they are on their way. Clones are made where the unprivileged user
 * that git runs as can reach them, in a folder of their own. What an earlier worker left of either goes.
 */
export async function sourcesIn(dataDir: string, store: SourceStore): Promise<Sources> {
  const root = join(dataDir, "sources");
  const clones = `slipway-git-${createHash("sha256").update(dataDir).digest("hex").slice(0, 12)}-`;
  await rm(root, { recursive: true, force: true });
  for (const name of await readdir(tmpdir())) {
    if (name.startsWith(clones)) await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
  await mkdir(root, { recursive: true, mode: 0o700 });
  return {
    async open(owner, fill) {
      const folder = await mkdtemp(fill.from === "archive" ? join(root, "s-") : join(tmpdir(), clones));
      const close = () => rm(folder, { recursive: true, force: true });
      try {
        const opened =
          fill.from === "archive"
            ? await fetchArchive(folder, store, owner)
            : await clone(folder, owner, fill);
        return { ...opened, close };
      } catch (error) {
        await close();
        throw error;
      }
    },
  };
}

type Fetched = Omit<OpenedSource, "close">;

async function fetchArchive(
  folder: string,
  store: SourceStore,
  { projectId, slug }: SourceOwner,
): Promise<Fetched> {
  const stored = await store.source(projectId);
  if (stored.state !== "ready") throw missing(slug, stored.state);
  const file = join(folder, "archive");
  await download(stored, file);
  const open = () => {
    const packed = createReadStream(file);
    const tar = createGunzip();
    packed.once("error", (error) => tar.destroy(error));
    return packed.pipe(tar);
  };
  const { folders } = await inspectTar(open());
  return {
    has: (folder) => folder === "." || folders.has(folder),
    tar: () => checkedTar(open(), WORKSPACE_PREFIX),
  };
}

async function clone(
  folder: string,
  { gitSecrets = {} }: SourceOwner,
  fill: Extract<SourceFill, { from: "git" }>,
): Promise<Fetched> {
  const source = parseSource(fill.ref === null ? fill.url : `${fill.url}#${fill.ref}`);
  if (isRefusal(source) || source.kind !== "git") throw new Error(`${fill.url} is no git URL`);
  const work = await cloneInto(folder, source, gitSecrets);
  const { entries } = await listFolder(work, { obeyRules: false });
  const folders = new Set(entries.filter(({ kind }) => kind === "folder").map(({ path }) => path));
  return {
    has: (name) => name === "." || folders.has(name),
    tar: () => packFolder(work, entries, WORKSPACE_PREFIX),
  };
}

/** Writes what `url` holds to `file`; done only when all of it came and is what was uploaded. */
async function download(
  { url, sha256, bytes }: Extract<StoredSource, { state: "ready" }>,
  file: string,
): Promise<void> {
  const silence = new AbortController();
  const timer = setTimeout(() => silence.abort(new Error(`silent for ${SILENCE_MS / 1000} s`)), SILENCE_MS);
  const hash = createHash("sha256");
  let read = 0;
  try {
    const response = await fetch(url, { signal: silence.signal, redirect: "error" });
    if (!response.ok || !response.body) throw new Error(`the answer was ${response.status}`);
    const measure = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        timer.refresh();
        read += chunk.length;
        hash.update(chunk);
        if (read > SOURCE_LIMITS.archiveBytes) done(new Error("it is larger than was said"));
        else done(null, chunk);
      },
    });
    const body = Readable.fromWeb(response.body as unknown as ReadableStream<Uint8Array>);
    await pipeline(body, measure, createWriteStream(file, { mode: 0o600 }));
    if (read !== bytes || hash.digest("hex") !== sha256) throw new Error("it is not what was uploaded");
  } catch (cause) {
    throw new SlipwayError(
      {
        code: "source_failed",
        message: "The project's source could not be fetched from the control plane.",
        hint: "The worker tries again by itself; slipway doctor checks the backend.",
      },
      { cause },
    );
  } finally {
    clearTimeout(timer);
  }
}

function missing(slug: string, state: "waiting" | "used"): SlipwayError {
  return new SlipwayError({
    code: "source_missing",
    message:
      state === "waiting"
        ? `The source of ${slug} has not arrived.`
        : `The workspace of ${slug} is gone, and the uploaded copy of its source was removed when it was first used.`,
    hint: `Upload it: slipway project source ${slug} <folder>`,
  });
}
