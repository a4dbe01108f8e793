import type { Engine, EngineContainer, Named } from "./engine/engine.ts";
import { EngineError } from "./engine/engineError.ts";
import { confirmFilled, confirmUnfilled } from "./filling/confirm.ts";
import type { Operation } from "./plan/operation.ts";
import type { OpenedSource, SourceFill } from "./sources/sources.ts";
import { WORKSPACE } from "../core/render/view.ts";
import { ownedFolder } from "./attachments/ownedFolder.ts";
import { revealed, revealNothing, type Reveal } from "./reveal.ts";
import type { Starters } from "./starters.ts";
import { isUnfinished } from "./unfinishedStarter.ts";

/** What `npm run images` makes. */
const OWN_IMAGE = /^slipway\//;

type Hands = {
  engine: Engine;
  starters: Starters;
  openSource: (source: SourceFill) => Promise<OpenedSource>;
  reveal: Reveal;
  buildImage: ((image: string) => Promise<void>) | undefined;
  beforeLoss: (operation: Operation) => Promise<void>;
  /** Ids of containers by name: what was planned for one is not done to another that has its name by now. */
  ids: Map<string, string>;
};

export type Failure = { operation: Operation; error: unknown };

export type Execution = {
  done: Operation[];
  failed: Failure[];
  /** What was not tried, because something before it failed. */
  skipped: Operation[];
};

/**
 * Does a plan's operations, those that do not wait for each other side by side. Decides nothing: a failure keeps back
 * what comes after it, everything else goes on.
 * @param parallel how many calls at once
 * @param openSource fetches the source of the plan's project
 * @param onDone told after each operation that succeeded
 */
export async function execute(
  engine: Engine,
  starters: Starters,
  operations: readonly Operation[],
  {
    parallel,
    onDone,
    openSource = nothingToOpen,
    reveal = revealNothing,
    buildImage,
    beforeLoss = async () => {},
    found = [],
  }: {
    parallel: number;
    /** Puts hidden values into a container that is made. */
    reveal?: Reveal;
    /** Makes an image of Slipway's own; without it, it is pulled like any other. */
    buildImage?: (image: string) => Promise<void>;
    onDone?: (operation: Operation, tookMs: number) => void;
    /** Asked before a volume with somebody's data is removed; throws where that is not wanted any more. */
    beforeLoss?: (operation: Operation) => Promise<void>;
    openSource?: (source: SourceFill) => Promise<OpenedSource>;
    /** The containers that the plan was made by. */
    found?: readonly Pick<EngineContainer, "id" | "name">[];
  },
): Promise<Execution> {
  const execution: Execution = { done: [], failed: [], skipped: [] };
  const waiting = new Set(operations);
  const done = new Set<string>();
  const lost = new Set<string>();
  const ids = new Map(found.map(({ name, id }) => [name, id]));

  await new Promise<void>((resolve) => {
    let running = 0;
    const next = () => {
      for (const operation of waiting) {
        if (operation.after.some((id) => lost.has(id))) {
          waiting.delete(operation);
          lost.add(operation.id);
          execution.skipped.push(operation);
        } else if (running < parallel && operation.after.every((id) => done.has(id))) {
          waiting.delete(operation);
          running += 1;
          void run(operation);
        }
      }
      if (running === 0) resolve();
    };
    const run = async (operation: Operation) => {
      const startedAt = performance.now();
      try {
        await perform({ engine, starters, openSource, reveal, buildImage, beforeLoss, ids }, operation);
        done.add(operation.id);
        execution.done.push(operation);
        onDone?.(operation, performance.now() - startedAt);
      } catch (error) {
        lost.add(operation.id);
        execution.failed.push({ operation, error });
      }
      running -= 1;
      next();
    };
    next();
  });
  return execution;
}

/** One operation is one call (a copy is two: what comes out of one container goes into it again elsewhere). */
async function perform(
  { engine, starters, openSource, reveal, buildImage, beforeLoss, ids }: Hands,
  operation: Operation,
): Promise<unknown> {
  const { target } = operation;
  const named = (name: string): Named => {
    const id = ids.get(name);
    return id === undefined ? name : { name, id };
  };
  const container = named(target);
  switch (operation.do) {
    case "pull image":
      return buildImage && OWN_IMAGE.test(target) ? await buildImage(target) : await engine.pullImage(target);
    case "create network":
      // It was not among ours a moment ago. The next look tells whether it is now; nothing may join another's.
      if ((await engine.createNetwork(operation.network)) === "created") return;
      throw new EngineError(
        "name_taken",
        `Docker has a network ${target} already, which was not made for this.`,
      );
    case "remove network":
      return await engine.removeNetwork(operation.networkId);
    case "create volume":
      return await engine.createVolume({
        name: target,
        labels: operation.labels,
        sizeBytes: operation.sizeBytes,
      });
    case "grow volume":
      return await engine.growVolume(target, operation.sizeBytes);
    case "remove volume":
      if (operation.holds === "data") await beforeLoss(operation);
      return await engine.removeVolume(target);
    case "create container":
      ids.set(target, (await engine.createContainer(await revealed(operation.container, reveal))).id);
      return;
    case "confirm unfilled":
      return await confirmUnfilled(engine, operation.expected, target);
    case "confirm filled":
      return await confirmFilled(engine, operation.expected);
    case "put starters":
      return await engine.putArchive(container, "/", await starters.tar(operation.starters));
    case "put missing starter":
      return await putMissingStarter(engine, container, starters, operation);
    case "put source":
      return await putSource(engine, container, starters, await openSource(operation.source), operation);
    case "copy workspace":
      return await engine.putArchive(
        container,
        "/",
        await engine.getArchive(named(operation.reader), WORKSPACE),
      );
    case "own volume":
      return await engine.putArchive(container, "/", await ownedFolder(WORKSPACE, operation.user));
    case "connect":
      return await engine.connectNetwork(operation.network, container, operation.aliases);
    case "disconnect":
      return await engine.disconnectNetwork(operation.network, container);
    case "start container":
      return await engine.startContainer(container);
    case "pause container":
      return await engine.pauseContainer(container);
    case "unpause container":
      return await engine.unpauseContainer(container);
    case "stop container":
      return await engine.stopContainer(container, operation.graceMs);
    case "remove container":
      return await engine.removeContainer(container);
  }
}

/** All of it again, whatever an interrupted attempt left: what counts is decided by the source, not by what is there. */
async function putSource(
  engine: Engine,
  container: Named,
  starters: Starters,
  source: OpenedSource,
  { starters: wanted }: Extract<Operation, { do: "put source" }>,
): Promise<void> {
  try {
    await engine.putArchive(container, "/", source.tar());
    const missing = wanted.filter(({ folder }) => !source.has(folder));
    if (missing.length > 0) await engine.putArchive(container, "/", await starters.tar(missing));
  } finally {
    await source.close();
  }
}

/**
 * By the service's own container, which was never started: nobody else has a use for its folder yet. Where somebody died
 * at it, it is put there once more.
 */
async function putMissingStarter(
  engine: Engine,
  container: Named,
  starters: Starters,
  { stack, folder }: Extract<Operation, { do: "put missing starter" }>,
): Promise<void> {
  const path = `${WORKSPACE}/${folder}`;
  if (await engine.hasPath(container, path)) {
    const files = await starters.files(stack);
    if (!(await isUnfinished(await engine.getArchive(container, path), files))) return;
  }
  // Its root is read-only, so Docker takes files for the volume only.
  await engine.putArchive(container, WORKSPACE, await starters.tar([{ stack, folder }], WORKSPACE));
}

async function nothingToOpen(): Promise<never> {
  throw new Error("A source is to be put into a workspace, and nobody can open one.");
}
