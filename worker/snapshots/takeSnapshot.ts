import { Readable } from "node:stream";
import { pack } from "tar-stream";
import { SlipwayError } from "../../core/errors.ts";
import { LABELS } from "../../core/labels.ts";
import { snapshotVolumeName, workspaceVolumeName } from "../../core/naming.ts";
import type { RenderedService } from "../../core/render/rendered.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import type { Engine } from "../engine/engine.ts";
import { confirmUnfilled } from "../filling/confirm.ts";
import { fillerContainer } from "../filling/fillerContainer.ts";
import { FILL_ROLE, filledVolumes, fillerName, markName, readerName } from "../filling/marks.ts";
import { SNAPSHOT_ROLE, type Snapshot } from "../snapshot.ts";
import type { Content } from "./contentHash.ts";
import { readContent, SNAPSHOT_LIMITS, type SnapshotLimits } from "./readContent.ts";

export type TakeInput = {
  engine: Engine;
  instanceId: string;
  projectId: string;
  namespace: string;
  /** A service that uses the workspace: its image makes the containers through which files are copied. */
  user: RenderedService;
  /** What there is of the project, nothing of it left from an earlier attempt (plan/planSnapshots.ts). */
  found: Snapshot;
  /** Names what is made on the way, so that no other attempt's calls meet it. */
  attempt: string;
  limits?: SnapshotLimits;
};

/** A snapshot is gone, and nothing on this host has its content any more: no retry mends that. */
export class SnapshotLost extends SlipwayError {
  constructor(snapshot: string) {
    super({
      code: "not_found",
      message: `The snapshot ${snapshot.slice(0, 16)} is gone from this host, and the dev workspace is not what it was then.`,
      hint: "Go back to development and test again, which takes a new one.",
    });
    this.name = "SnapshotLost";
  }
}

/**
 * Takes a snapshot of dev's workspace: an immutable volume, named for the SHA-256 of its content.
 *
 * Dev may be at work meanwhile, so its files are read once, into a volume of nobody's (`…_snapshot_staging_…`), and
 * hashed on the way; what was read is then copied into a volume of that name, unless there is one. As with workspaces
 * (plan/planFill.ts), a mark says "not yet" until the copy is whole; whatever an interruption leaves behind, the next plan
 * removes.
 *
 * @throws SlipwayError where dev has no workspace, or too large a one; EngineError
 */
export async function takeSnapshot(input: TakeInput): Promise<Content> {
  const { engine, namespace, attempt } = input;
  const own = labelsOf(input);
  const fill = { ...own, [LABELS.role]: FILL_ROLE };
  const source = requireWorkspace(input);
  const staging = `${namespace}_snapshot_staging_${attempt}`;
  await engine.createVolume({ name: staging, labels: fill, sizeBytes: null });
  const content = await copy(input, source, staging, null);

  const name = snapshotVolumeName(namespace, content.hash);
  if (!(await isThere(input, name, content.hash))) {
    const mark = markName(name, attempt);
    const filling = { [LABELS.filling]: attempt };
    const labels = { ...own, ...filling, [LABELS.role]: SNAPSHOT_ROLE, [LABELS.snapshot]: content.hash };
    await engine.createVolume({ name: mark, labels: { ...fill, ...filling }, sizeBytes: null });
    await engine.createVolume({ name, labels, sizeBytes: null });
    const copied = await copy(input, staging, name, mark);
    if (copied.hash !== content.hash) {
      throw new Error(`${name} was copied from ${staging} and is not the same: ${copied.hash}.`);
    }
    // From here on it counts.
    await engine.removeVolume(mark);
  }
  await engine.removeVolume(staging);
  return content;
}

/**
 * Makes a snapshot again that is gone from this host, where dev's workspace still has its content.
 * @throws SnapshotLost
 */
export async function retakeSnapshot(input: TakeInput, snapshot: string): Promise<void> {
  // What differs is not copied, and nothing is left behind: what else is waited for can be taken.
  const now = await read(input, requireWorkspace(input), `${input.namespace}_snapshot`);
  if (now.hash !== snapshot) throw new SnapshotLost(snapshot);
  const taken = await takeSnapshot(input);
  if (taken.hash !== snapshot) throw new SnapshotLost(snapshot);
}

/**
 * Whether there is the snapshot already. The call that makes its volume may come so late that it finds no mark of its
 * attempt any more; nothing was ever put in then, and the volume goes.
 */
async function isThere(input: TakeInput, name: string, hash: string): Promise<boolean> {
  if (!filledVolumes(input.found).has(name)) return false;
  if ((await read(input, name, name)).hash === hash) return true;
  await input.engine.removeVolume(name);
  return false;
}

/** What a volume holds. @param called what the container is named for through which it is read */
async function read(input: TakeInput, volume: string, called: string): Promise<Content> {
  const { engine, user, attempt, limits = SNAPSHOT_LIMITS } = input;
  const reader = readerName(called, attempt);
  await engine.createContainer(fillerContainer(reader, volume, null, user, labelsOf(input)));
  const content = await readContent(await engine.getArchive(reader, WORKSPACE), null, limits);
  await engine.removeContainer(reader);
  return content;
}

function labelsOf({ instanceId, projectId, namespace }: TakeInput): Record<string, string> {
  return {
    [LABELS.instance]: instanceId,
    [LABELS.project]: projectId,
    [LABELS.namespace]: namespace,
  };
}

function requireWorkspace({ namespace, found }: TakeInput): string {
  const source = workspaceVolumeName(namespace, "dev", null);
  if (filledVolumes(found).has(source)) return source;
  throw new SlipwayError({
    code: "not_found",
    message: `There is no dev workspace to take a snapshot of: the volume ${source} is not there, or not filled yet.`,
    hint: "Go back to development, which makes it, and test again.",
  });
}

/**
 * Copies all of the volume `from` into the volume `to`, but for what no snapshot has.
 * @param mark what says that `to` does not count yet; null: it never will
 */
async function copy(input: TakeInput, from: string, to: string, mark: string | null): Promise<Content> {
  const { engine, user, attempt, limits = SNAPSHOT_LIMITS } = input;
  const labels = labelsOf(input);
  const [reader, filler] = [readerName(to, attempt), fillerName(to, attempt)];
  await engine.createContainer(fillerContainer(reader, from, null, user, labels));
  await engine.createContainer(fillerContainer(filler, to, mark, user, labels));
  if (mark !== null) await confirmUnfilled(engine, { volume: to, labels, filling: attempt }, filler);
  const source = await engine.getArchive(reader, WORKSPACE);
  const tar = pack();
  const [read, put] = await Promise.allSettled([
    readContent(source, tar, limits),
    engine.putArchive(filler, "/", Readable.from(tar)),
  ]);
  // Each ends with the other; what the workspace is says more than that Docker got half of it.
  if (read.status === "rejected" && (read.reason instanceof SlipwayError || put.status === "fulfilled")) {
    throw read.reason;
  }
  if (put.status === "rejected") throw put.reason;
  if (read.status === "rejected") throw read.reason;
  await engine.removeContainer(reader);
  await engine.removeContainer(filler);
  return read.value;
}
