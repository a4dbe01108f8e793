import type { Engine } from "./engine/engine.ts";
import { COPY_SOURCE } from "./plan/planFill.ts";
import type { Operation } from "./plan/operation.ts";
import type { Starters } from "./starters.ts";

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
 * @param onDone told after each operation that succeeded
 */
export async function execute(
  engine: Engine,
  starters: Starters,
  operations: readonly Operation[],
  { parallel, onDone }: { parallel: number; onDone?: (operation: Operation, tookMs: number) => void },
): Promise<Execution> {
  const execution: Execution = { done: [], failed: [], skipped: [] };
  const waiting = new Set(operations);
  const done = new Set<string>();
  const lost = new Set<string>();

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
        await perform(engine, starters, operation);
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
async function perform(engine: Engine, starters: Starters, operation: Operation): Promise<unknown> {
  const { target } = operation;
  switch (operation.do) {
    case "pull image":
      return await engine.pullImage(target);
    case "create network":
      return await engine.createNetwork(operation.network);
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
      return await engine.removeVolume(target);
    case "create container":
      return await engine.createContainer(operation.container);
    case "put starter":
      return await engine.putArchive(target, "/", await starters.tar(operation.stack, operation.folder));
    case "copy workspace":
      return await engine.putArchive(target, "/", await engine.getArchive(target, COPY_SOURCE));
    case "connect":
      return await engine.connectNetwork(operation.network, target, operation.aliases);
    case "start container":
      return await engine.startContainer(target);
    case "pause container":
      return await engine.pauseContainer(target);
    case "unpause container":
      return await engine.unpauseContainer(target);
    case "stop container":
      return await engine.stopContainer(target, operation.graceMs);
    case "remove container":
      return await engine.removeContainer(target);
  }
}
