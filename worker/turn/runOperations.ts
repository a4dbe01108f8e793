import type { ProjectSpec } from "../../core/projectSpec.ts";
import { NOTHING_TO_ATTACH } from "../attachments/attaching.ts";
import { EngineError } from "../engine/engineError.ts";
import { execute, type Execution } from "../execute.ts";
import { describe, type Operation } from "../plan/operation.ts";
import { revealer } from "../reveal.ts";
import type { SeenEnvironment } from "../seen.ts";
import type { Snapshot } from "../snapshot.ts";
import type { TurnContext } from "./turnContext.ts";

/** Calls to Docker at once for one project. */
const PARALLEL_CALLS = 6;

/** Does what was planned for one project, and logs each step. */
export async function runOperations(
  context: TurnContext,
  spec: ProjectSpec,
  operations: readonly Operation[],
  { containers }: Snapshot,
  beforeLoss: (operation: Operation) => Promise<void>,
): Promise<Execution> {
  const { engine, starters, sources, images, log, attaching = NOTHING_TO_ATTACH } = context;
  const { projectId } = spec;
  const { buildImage, credentials } = attaching;
  const execution = await execute(engine, starters, operations, {
    parallel: PARALLEL_CALLS,
    reveal: revealer(spec.opened ?? {}, credentials),
    beforeLoss,
    found: containers,
    ...(buildImage && { buildImage }),
    ...(sources && { openSource: (source) => sources.open(spec, source) }),
    onDone: (operation, tookMs) =>
      log("done", {
        projectId,
        operation: describe(operation),
        cause: operation.cause,
        ms: Math.round(tookMs),
      }),
  });
  for (const { operation, error } of execution.failed) {
    log("failed", { projectId, operation: describe(operation), cause: operation.cause, error });
    if (error instanceof EngineError && error.fault === "image_missing") images.forget();
  }
  context.drift?.note(spec, execution.done, (kind) => context.reporter.last(projectId, kind));
  return execution;
}

/** Whether an operation is part of what an environment needs: an image is pulled once for all that run it. */
export function concerns(
  operation: Operation,
  status: ProjectSpec["status"],
  { spec, rendered }: SeenEnvironment,
): boolean {
  if (operation.environment === spec.kind) return true;
  // What is gone lacks nothing that the others share, unless the project itself is to go.
  if (operation.environment === null) return spec.desired !== "absent" || status === "deleting";
  return (
    operation.do === "pull image" &&
    (rendered?.services ?? []).some(({ image }) => image === operation.target)
  );
}

/** Containers that an operation stops, removes or replaces. */
export function leavingIn(operations: readonly Operation[]): Set<string> {
  return new Set(
    operations
      .filter((operation) => operation.do === "stop container" || operation.do === "remove container")
      .map(({ target }) => target),
  );
}
