import { createHash } from "node:crypto";
import { createReadStream, watch } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { SlipwayError } from "../../../../core/errors.ts";
import { listFolder, type FolderEntry, type FolderListing } from "../../../../worker/sources/listFolder.ts";
import { packFolder } from "../../../../worker/sources/packFolder.ts";
import type { DoorClient, RemoteEntry } from "../doorClient.ts";
import { planSync, sameSize, type SyncPlan } from "./syncPlan.ts";

/** From a local folder into a workspace, and never back: what differs there is overwritten. */

const HASHES_AT_ONCE = 5_000;
/** Changes come in bursts; what the system does not announce is found by looking. */
const SETTLE_MS = 150;
const LOOK_MS = 3_000;

export type SyncDone = { uploaded: string[]; removed: string[]; unchanged: number };

/** One pass: compares all of both sides by content, and sends what differs. */
export async function syncOnce(
  door: DoorClient,
  root: string,
  path: string,
  removeOthers: boolean,
): Promise<{ done: SyncDone; listing: FolderListing }> {
  const listing = await listFolder(root, { obeyRules: true });
  const remote = await remoteBelow(door, path);
  const compare = sameSize(listing.entries, remote);
  const localHash = new Map<string, string>();
  for (const each of compare) localHash.set(each, await hashOf(join(root, each)));
  const plan = planSync({
    local: listing.entries,
    remote,
    localHash,
    remoteHash: await remoteHashes(door, path, compare),
    removeOthers,
    ignores: (each, isFolder) => listing.rules.ignores(each, isFolder),
  });
  await apply(door, root, path, plan);
  const uploaded = plan.upload.filter(({ kind }) => kind !== "folder").map((entry) => entry.path);
  return { done: { uploaded, removed: plan.remove, unchanged: plan.unchanged }, listing };
}

/**
 * Follows changes of the folder until `signal` ends it.
 * @param before what was sent already
 */
export async function follow(
  connect: () => Promise<DoorClient>,
  root: string,
  path: string,
  {
    removeOthers,
    before,
    signal,
    onDone,
    onError,
  }: {
    removeOthers: boolean;
    before: FolderListing;
    signal: AbortSignal;
    onDone: (done: SyncDone) => void;
    onError: (error: unknown) => void;
  },
): Promise<void> {
  let known = signatures(before.entries);
  let whole = false;
  while (!signal.aborted) {
    await nextChange(root, signal);
    if (signal.aborted) return;
    try {
      if (whole) {
        // Something failed half-way: both sides are compared anew.
        const { done, listing } = await syncOnce(await connect(), root, path, removeOthers);
        known = signatures(listing.entries);
        whole = false;
        onDone(done);
        continue;
      }
      const { entries, rules } = await listFolder(root, { obeyRules: true });
      const now = signatures(entries);
      const upload = entries.filter((entry) => known.get(entry.path) !== now.get(entry.path));
      const gone = [...known.keys()].filter((each) => !now.has(each) && !rules.ignores(each, false));
      const remove = removeOthers ? gone : [];
      if (upload.length + remove.length > 0) {
        await apply(await connect(), root, path, { upload, remove, conflicts: [], unchanged: 0 });
        const uploaded = upload.filter(({ kind }) => kind !== "folder").map((entry) => entry.path);
        onDone({ uploaded, removed: remove, unchanged: entries.length - upload.length });
      }
      known = now;
    } catch (error) {
      whole = true;
      onError(error);
    }
  }
}

async function apply(door: DoorClient, root: string, path: string, plan: SyncPlan): Promise<void> {
  if (plan.conflicts.length > 0) {
    throw new SlipwayError({
      code: "bad_request",
      message: `There is a file on one side and a folder on the other: ${plan.conflicts.slice(0, 5).join(", ")}.`,
      hint: "With --delete what is in the workspace gives way.",
    });
  }
  if (plan.remove.length > 0) await door.remove(plan.remove.map((each) => below(path, each)));
  if (plan.upload.length > 0) await door.unpack(path, packFolder(root, plan.upload));
}

async function remoteBelow(door: DoorClient, path: string): Promise<RemoteEntry[]> {
  try {
    const entries = await door.list(path, true);
    const cut = path === "." ? 0 : path.length + 1;
    return entries.map((entry) => ({ ...entry, path: entry.path.slice(cut) }));
  } catch (error) {
    // The folder itself is made by the first thing that goes into it.
    if (error instanceof SlipwayError && error.data.code === "not_found" && error.data.path === "path")
      return [];
    throw error;
  }
}

async function remoteHashes(
  door: DoorClient,
  path: string,
  files: string[],
): Promise<Map<string, string | null>> {
  const found = new Map<string, string | null>();
  for (let from = 0; from < files.length; from += HASHES_AT_ONCE) {
    const some = files.slice(from, from + HASHES_AT_ONCE);
    const hashes = await door.hashes(some.map((each) => below(path, each)));
    for (const [index, each] of some.entries()) found.set(each, hashes[index] ?? null);
  }
  return found;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

/** What tells that an entry may have changed, without reading it. */
function signatures(entries: readonly FolderEntry[]): Map<string, string> {
  return new Map(entries.map(({ path, ...entry }) => [path, JSON.stringify(entry)]));
}

function below(path: string, each: string): string {
  return path === "." ? each : `${path}/${each}`;
}

async function nextChange(root: string, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    let settle: NodeJS.Timeout | undefined;
    const done = () => {
      clearTimeout(settle);
      clearTimeout(look);
      watcher?.close();
      signal.removeEventListener("abort", done);
      resolve();
    };
    const look = setTimeout(done, LOOK_MS);
    signal.addEventListener("abort", done, { once: true });
    let watcher: ReturnType<typeof watch> | null = null;
    try {
      watcher = watch(root, { recursive: true }, () => {
        clearTimeout(settle);
        settle = setTimeout(done, SETTLE_MS);
      });
      watcher.on("error", () => {});
    } catch {
      // Looking now and then finds it as well.
    }
  });
}
