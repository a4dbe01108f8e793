import type { UndoneRollout } from "../../core/rollout.ts";
import type { EnvironmentRoute, Upstream } from "../../core/routes.ts";
import { shortId } from "../seen.ts";
import { beganAt, revisionsOf } from "./begin.ts";
import type { RolloutMemory } from "./decide.ts";
import type { RoutedReplica } from "./replicas.ts";

export type RecallInput = {
  wanted: readonly RoutedReplica[];
  /** All containers of the environment that are rolled out, wanted or not. */
  all: readonly RoutedReplica[];
  attempt: number;
  now: number;
};

/**
 * What the gateway's table tells a worker that has just started of a rollout that another one began. Where other
 * revisions are wanted by now than that one rolled out, only where the route leads. Waits begin anew. Pure.
 */
export function recalled(
  route: EnvironmentRoute | null,
  { wanted, all, attempt, now }: RecallInput,
): { memory: RolloutMemory | null; routed: Set<string>; undone: UndoneRollout | null } {
  const upstreams = route?.state === "serving" ? route.services.flatMap((service) => service.upstreams) : [];
  // A table of before says no ids.
  const replicaAt = ({ address, container: id }: Upstream) =>
    all.find(
      (replica) =>
        replica.address === address &&
        (id === undefined || (replica.container !== null && shortId(replica.container) === id)),
    );
  const at = (which: (upstream: Upstream) => boolean) =>
    upstreams.filter(which).flatMap((upstream) => replicaAt(upstream) ?? []);
  const idsOf = (replicas: readonly RoutedReplica[]) =>
    replicas.flatMap(({ container }) => container?.id ?? []);
  const routed = new Set(idsOf(at(({ standby, draining }) => !standby && !draining)));
  const nothing = { memory: null, routed, undone: route?.undone ?? null };
  const mark = route?.rollout;
  if (!mark?.id.startsWith("r-")) return nothing;

  const fresh = at(({ side }) => side === "new");
  const isWanted = (replica: RoutedReplica) => wanted.some(({ name }) => name === replica.name);
  if (!fresh.every(isWanted) || (mark.phase !== "before" && fresh.length === 0)) {
    return nothing;
  }
  const memory: RolloutMemory = {
    id: mark.id,
    attempt,
    revisions: revisionsOf(wanted),
    startedAt: beganAt(mark.id),
    phase: mark.phase,
    old: idsOf(at(({ side }) => side === "old")),
    switched: fresh.map(({ name }) => name),
    triedSince: null,
    switchedAt: mark.phase === "before" ? null : now,
    // When exactly, only that worker knew.
    switchedDate: null,
    drainedAt: mark.phase === "after" ? now : null,
    cause: null,
  };
  return { ...nothing, memory };
}
