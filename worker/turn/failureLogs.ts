import { START_LIMIT_MS } from "../conditions/findings.ts";
import type { SeenEnvironment } from "../seen.ts";
import type { TurnContext } from "./turnContext.ts";

const LOG_LINES = 10;

/** The last lines of containers that fail, by name: they tell people why. */
export async function failureLogs(
  { engine }: TurnContext,
  seen: readonly SeenEnvironment[],
  held: ReadonlyMap<string, string>,
): Promise<Map<string, string>> {
  const failing = seen
    .flatMap(({ replicas }) => replicas)
    .filter(
      ({ name, service, waitingMs, container }) =>
        container &&
        (held.has(name) ||
          waitingMs >= START_LIMIT_MS ||
          (service.job && container.state === "exited" && container.exitCode !== 0)),
    );
  const logs = new Map<string, string>();
  for (const { name } of failing) {
    // They explain a failure; without them the failure is still told.
    logs.set(name, await engine.tailLogs(name, LOG_LINES).catch(() => ""));
  }
  return logs;
}
