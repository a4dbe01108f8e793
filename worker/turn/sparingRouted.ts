import type { Operation } from "../plan/operation.ts";
import { shortId, type SeenEnvironment } from "../seen.ts";
import { leavingIn } from "./runOperations.ts";
import type { TurnContext } from "./turnContext.ts";

/**
 * What may be done of a plan though the gateway did not take the routes that go with it: it goes on leading to what was
 * there, and whoever is led to a container that stops gets 502. So of environments that are to run, what the table leads
 * to now stays. What a person has stop or go, stops all the same, as does what `mustStop`.
 * @param mustStop containers that may not run on, by name
 * @returns `operations` without those, and without what comes after them
 */
export async function sparingRouted(
  { routes, log }: Pick<TurnContext, "routes" | "log">,
  namespace: string,
  seen: readonly SeenEnvironment[],
  operations: readonly Operation[],
  mustStop: ReadonlyMap<string, string>,
): Promise<Operation[]> {
  const leaving = leavingIn(operations);
  const candidates = seen
    .filter(({ spec }) => spec.desired === "running")
    .flatMap(({ found }) => found.containers)
    .filter(({ name, state }) => leaving.has(name) && state === "running" && !mustStop.has(name));
  if (candidates.length === 0) return [...operations];
  // A gateway that cannot be asked leads nobody anywhere, as far as can be known.
  const led = await routes.upstreams(namespace).catch((error: unknown) => {
    log("routes-unread", { namespace, error });
    return [];
  });
  const ids = new Set(led.map(({ container }) => container));
  const routed = candidates.filter((container) => ids.has(shortId(container)));
  return without(operations, new Set(routed.map(({ name }) => name)));
}

function without(operations: readonly Operation[], routed: ReadonlySet<string>): Operation[] {
  const left = new Set<string>();
  // A plan has what comes first first.
  return operations.filter((operation) => {
    const stops = leavingIn([operation]).size > 0 && routed.has(operation.target);
    if (!stops && !operation.after.some((id) => left.has(id))) return true;
    left.add(operation.id);
    return false;
  });
}
