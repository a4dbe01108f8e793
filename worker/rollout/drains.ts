import type { RolloutPolicy } from "../../core/rollout.ts";
import type { Gateway, InProgress } from "../gateway/gateway.ts";
import { LEAST_DRAIN_MS } from "./decide.ts";
import type { RoutedReplica } from "./replicas.ts";

/**
 * How far a container is with what it has, once no route leads to it: it may go on with `requests`, then with `streams`
 * (and with requests beside them); `overdue`: it has something in progress, and no time for it; `done`: nothing.
 */
export type Drain = "requests" | "streams" | "overdue" | "done";

/** A container by its id, with what it has in progress. */
export type Draining = InProgress & { id: string; drain: Drain };

/** Pure. @param elapsedMs since the route left it */
export function drainOf(
  { requests, streams }: InProgress,
  elapsedMs: number,
  { drainMs, streamsMs }: Pick<RolloutPolicy, "drainMs" | "streamsMs">,
): Drain {
  if (elapsedMs < LEAST_DRAIN_MS || (requests > streams && elapsedMs < drainMs)) return "requests";
  if (streams > 0 && elapsedMs < streamsMs) return "streams";
  return requests > 0 ? "overdue" : "done";
}

/**
 * How far each of `replicas` is that runs.
 * @param times.unrouted by container id since when no route leads to it; not given: since now
 */
export async function drainingOf(
  gateway: Pick<Gateway, "inProgress">,
  replicas: readonly RoutedReplica[],
  times: { unrouted: ReadonlyMap<string, number>; now: number; policy: RolloutPolicy },
): Promise<Draining[]> {
  const { unrouted, now, policy } = times;
  const running = replicas.filter(
    ({ container, address }) => container?.state === "running" && address !== null,
  );
  const counts = await gateway.inProgress(running.flatMap((one) => reachOf(one) ?? []));
  return running.map((one) => {
    const { id } = one.container!;
    const inProgress = counts.get(reachOf(one) ?? "") ?? { requests: 0, streams: 0 };
    return { id, ...inProgress, drain: drainOf(inProgress, now - (unrouted.get(id) ?? now), policy) };
  });
}

/** What the gateway counts a container's requests by. */
export function reachOf({ address, service: { port } }: RoutedReplica): string | null {
  return address === null || port === null ? null : `${address}:${port}`;
}
