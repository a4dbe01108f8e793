import type { FolderEntry } from "../../../../worker/sources/listFolder.ts";
import type { RemoteEntry } from "../doorClient.ts";

/** What makes a workspace's folder hold what a local folder holds. Pure. */
export type SyncPlan = {
  /** In the order in which they have to be made. */
  upload: FolderEntry[];
  /** Before anything is uploaded. A folder stands for all that is in it. */
  remove: string[];
  /** Where a file is on one side and a folder on the other, and nothing may be removed. */
  conflicts: string[];
  unchanged: number;
};

export type SyncInput = {
  local: readonly FolderEntry[];
  /** Relative to the folder that is synced into. */
  remote: readonly RemoteEntry[];
  /** SHA-256 in hex by path, at least of the files that `sameSize` names. */
  localHash: ReadonlyMap<string, string>;
  remoteHash: ReadonlyMap<string, string | null>;
  /** Whether what is only in the workspace goes. What the rules leave out stays in any case. */
  removeOthers: boolean;
  ignores: (path: string, isFolder: boolean) => boolean;
};

/** Files that only their content can tell apart. */
export function sameSize(local: readonly FolderEntry[], remote: readonly RemoteEntry[]): string[] {
  const there = new Map(remote.map((entry) => [entry.path, entry]));
  return local.flatMap((entry) => {
    const other = there.get(entry.path);
    return entry.kind === "file" && other?.kind === "file" && other.bytes === entry.bytes ? [entry.path] : [];
  });
}

export function planSync(input: SyncInput): SyncPlan {
  const { local, remote, removeOthers, ignores } = input;
  const there = new Map(remote.map((entry) => [entry.path, entry]));
  const here = new Map(local.map((entry) => [entry.path, entry]));
  const plan: SyncPlan = { upload: [], remove: [], conflicts: [], unchanged: 0 };
  for (const entry of local) {
    const other = there.get(entry.path);
    if (other && isSame(entry, other, input)) {
      plan.unchanged += 1;
      continue;
    }
    const inTheWay = other !== undefined && (entry.kind === "folder") !== (other.kind === "folder");
    if (inTheWay && !removeOthers) {
      plan.conflicts.push(entry.path);
      continue;
    }
    if (inTheWay) plan.remove.push(entry.path);
    plan.upload.push(entry);
  }
  if (!removeOthers) return plan;
  const gone = new Set(plan.remove);
  for (const { path, kind } of [...remote].sort((one, other) => (one.path < other.path ? -1 : 1))) {
    const above = ancestors(path);
    if (here.has(path) || above.some((folder) => gone.has(folder))) continue;
    if (above.some((folder) => ignores(folder, true)) || ignores(path, kind === "folder")) continue;
    // A folder goes as a whole only where the rules keep nothing of what is in it.
    const keeps =
      kind === "folder" &&
      remote.some(
        (entry) => entry.path.startsWith(`${path}/`) && ignores(entry.path, entry.kind === "folder"),
      );
    if (keeps) continue;
    gone.add(path);
    plan.remove.push(path);
  }
  return plan;
}

function isSame(entry: FolderEntry, other: RemoteEntry, { localHash, remoteHash }: SyncInput): boolean {
  switch (entry.kind) {
    case "folder":
      return other.kind === "folder";
    case "link":
      return other.kind === "link" && other.target === entry.target;
    case "file": {
      const hash = localHash.get(entry.path);
      const executable = (other.mode & 0o111) !== 0;
      return (
        other.kind === "file" &&
        other.bytes === entry.bytes &&
        executable === entry.executable &&
        hash !== undefined &&
        hash === remoteHash.get(entry.path)
      );
    }
  }
}

function ancestors(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(0, -1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
