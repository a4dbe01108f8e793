import type { RolloutMark } from "../../core/routes.ts";
import type { RolloutPolicy, UndoneRollout } from "../../core/rollout.ts";
import type { RolloutCounts } from "../gateway/gateway.ts";
import { remembered } from "./begin.ts";
import { unprovenFor, type Proof } from "./proof.ts";
import type { RoutedReplica } from "./replicas.ts";
import { ended, troubles } from "./receipt.ts";

/**
 * How deploy goes from one revision of its services to the next: new containers are made beside the old ones, the route
 * goes to them once all of them answer, the old ones stand by while the switch is watched, and then drain.
 */

/** What a worker remembers of an environment's rollout; the gateway's table tells a new worker most of it. */
export type RolloutMemory = {
  /** Names the rollout in the gateway's counts: `r-`, and when it began, ms since 1970 in base 36. */
  id: string;
  /** How often somebody had asked for it when it began: what was undone is tried again at the next time. */
  attempt: number;
  /** What is rolled out: `revisionsOf` the wanted replicas. */
  revisions: string;
  /** ms since 1970 */
  startedAt: number;
  /**
   * `before`: old containers serve, new ones are being made; `during`: the route leads to the new ones, the old ones
   * finish what they have; `after`: they have, and the new ones are watched; `live`: it is over; `undone`: the old ones
   * serve on.
   */
  phase: "before" | "during" | "after" | "live" | "undone";
  /** Ids of the containers that served before. */
  old: readonly string[];
  /** Names of those that the route was switched to. */
  switched: readonly string[];
  /** From when all wanted containers were there; null: not yet. */
  triedSince: number | null;
  /** On the clock that only rises, and as ms since 1970. */
  switchedAt: number | null;
  switchedDate: number | null;
  drainedAt: number | null;
  /** Why it was undone. */
  cause: string | null;
};

export type RolloutInput = {
  /** On the clock that only rises. */
  now: number;
  /** ms since 1970 */
  date: number;
  /** The environment's: it tells a canary that is tried again from the one before. */
  generation: number;
  /** How often somebody asked for what is wanted. */
  attempt: number;
  /** What was undone last, as it was told to a worker that remembers nothing; null: nothing. */
  undone: UndoneRollout | null;
  policy: RolloutPolicy;
  /** All that is to run. */
  wanted: readonly RoutedReplica[];
  /** What else runs of an earlier revision, or of one that is wanted no more. */
  earlier: readonly RoutedReplica[];
  /** A release that gets some of the requests, beside `wanted`. */
  canary: { replicas: readonly RoutedReplica[]; percent: number } | null;
  /** Ids of the containers that the gateway's table leads to now. */
  routed: ReadonlySet<string>;
  memory: RolloutMemory | null;
  /** What the gateway counted of `memory.id`; null: nothing, or it cannot be asked. */
  counts: RolloutCounts | null;
  /** Whether a request has gone by the route since it was switched. */
  proof: Proof;
  /** Whether the containers of `memory.old` have no request in progress any more, or have had their time. */
  drained: boolean;
  /** Why the wanted ones cannot become ready; null: they may. */
  failure: string | null;
};

export type Serving = {
  replica: RoutedReplica;
  weight: number;
  side?: "old" | "new";
  standby?: boolean;
};

export type RolloutDecision = {
  memory: RolloutMemory;
  /** Where the route is to lead. */
  serving: Serving[];
  mark: RolloutMark | null;
  /** Asks to be looked at again after so many ms; null: when something happens. */
  againMs: number | null;
};

/** How long the old containers have at least, for what was on its way to them. */
export const LEAST_DRAIN_MS = 1_000;
/** A switch that so many requests went well with was watched enough, after at least so many ms. */
const WATCHED_REQUESTS = 200;
const LEAST_WATCH_MS = 1_000;
/** How often a switch that is watched is looked at. */
const LOOK_MS = 250;

/** One look at a rollout. Pure. */
export function decide(input: RolloutInput): RolloutDecision {
  let memory = remembered(input);
  memory = advance(input, memory);
  switch (memory.phase) {
    case "before":
      return besideOld(input, memory);
    case "during":
    case "after":
      return watched(input, memory);
    case "live":
      return live(input, memory);
    case "undone":
      return { memory, serving: plain(undoneServers(input, memory)), mark: null, againMs: null };
  }
}

function advance(input: RolloutInput, memory: RolloutMemory): RolloutMemory {
  const { now, policy, wanted, counts, failure, drained } = input;
  const isReady = wanted.length > 0 && wanted.every(({ ready }) => ready);
  const undone = (cause: string): RolloutMemory => ({ ...memory, phase: "undone", cause });
  switch (memory.phase) {
    case "before": {
      if (isReady) {
        const switched = wanted.map(({ name }) => name);
        return { ...memory, phase: "during", switchedAt: now, switchedDate: input.date, switched };
      }
      if (failure !== null) return undone(failure);
      const allThere = wanted.every(({ container }) => container && container.state !== "created");
      const triedSince = memory.triedSince ?? (allThere ? now : null);
      if (triedSince !== null && now - triedSince >= policy.startMs) {
        return undone(`${waiting(wanted)} did not become ready within ${seconds(policy.startMs)}.`);
      }
      return { ...memory, triedSince };
    }
    case "during":
    case "after": {
      if (counts?.undone) return undone(errorsOf(counts, policy));
      const lost = wanted.filter(({ name, ready }) => !ready && memory.switched.includes(name));
      if (lost.length > 0 && oldServers(input, memory).length > 0) {
        const after = seconds(now - (memory.switchedAt ?? now));
        return undone(`${waiting(lost)} stopped answering ${after} after the switch.`);
      }
      if (memory.phase === "during" && !input.proof.proven) {
        const failure = unprovenFor(input.proof);
        return failure === null ? memory : undone(failure);
      }
      if (memory.phase === "during") {
        const bound = (memory.switchedAt ?? now) + policy.drainMs;
        return drained || now >= bound ? { ...memory, phase: "after", drainedAt: now } : memory;
      }
      const watchedMs = now - (memory.switchedAt ?? now);
      const requests = counts ? ended(counts, "new").all : 0;
      const enough = requests >= WATCHED_REQUESTS || watchedMs >= policy.watchMs;
      const settled = now - (memory.drainedAt ?? now) >= LEAST_WATCH_MS;
      return enough && settled ? { ...memory, phase: "live" } : memory;
    }
    case "live":
    case "undone":
      return memory;
  }
}

/** The old ones serve, and nobody else; where none of them does any more, whoever is ready. */
function besideOld(input: RolloutInput, memory: RolloutMemory): RolloutDecision {
  const old = oldServers(input, memory);
  const { now, policy, wanted } = input;
  const againMs = memory.triedSince === null ? null : Math.max(1, memory.triedSince + policy.startMs - now);
  if (old.length === 0)
    return { memory, serving: plain(wanted.filter(({ ready }) => ready)), mark: null, againMs };
  return {
    memory,
    serving: old.map((replica) => ({ replica, weight: 1, side: "old" })),
    mark: { id: memory.id, phase: "before" },
    againMs,
  };
}

/** The new ones serve, and the old ones stand by. */
function watched(input: RolloutInput, memory: RolloutMemory): RolloutDecision {
  const { policy, wanted } = input;
  const phase = memory.phase === "during" ? "during" : "after";
  return {
    memory,
    serving: [
      ...wanted.filter(({ ready }) => ready).map((replica): Serving => ({ replica, weight: 1, side: "new" })),
      ...oldServers(input, memory).map((replica): Serving => ({
        replica,
        weight: 1,
        side: "old",
        standby: true,
      })),
    ],
    mark: { id: memory.id, phase, guard: { errors: policy.errors, points: policy.points } },
    againMs: LOOK_MS,
  };
}

function live({ wanted, canary, policy, generation }: RolloutInput, memory: RolloutMemory): RolloutDecision {
  const main = wanted.filter(({ ready }) => ready);
  const few = (canary?.replicas ?? []).filter(({ ready }) => ready);
  if (!canary || few.length < canary.replicas.length || few.length === 0) {
    return { memory, serving: plain(main), mark: null, againMs: null };
  }
  const guard = { errors: policy.errors, points: policy.points };
  return {
    memory,
    serving: weighted(main, few, canary.percent),
    mark: { id: canaryId(generation, canary.replicas), phase: "before", guard },
    againMs: LOOK_MS,
  };
}

/**
 * Names a canary in the gateway's counts: the same for as long as the same containers are one. One that is tried again
 * is another, at another of the environment's generations: what was counted of the first one says nothing of it.
 */
export function canaryId(generation: number, replicas: readonly RoutedReplica[]): string {
  const revisions = new Set(replicas.map(({ revision }) => revision));
  return `c-${generation.toString(36)}-${[...revisions].sort().join("-").slice(0, 48)}`;
}

/** Each service's requests shared out: `percent` of 100 to the canary's replicas, and the rest to the others. */
function weighted(
  main: readonly RoutedReplica[],
  canary: readonly RoutedReplica[],
  percent: number,
): Serving[] {
  const of = (replicas: readonly RoutedReplica[], service: string) =>
    replicas.filter((replica) => replica.service.service === service);
  const share = (
    replica: RoutedReplica,
    own: readonly RoutedReplica[],
    others: readonly RoutedReplica[],
    part: number,
  ) => {
    const { service } = replica.service;
    const rivals = of(others, service).length;
    return rivals === 0 ? 1 : Math.max(1, Math.round((part * 10) / of(own, service).length));
  };
  return [
    ...main.map((replica): Serving => ({
      replica,
      weight: share(replica, main, canary, 100 - percent),
      side: "old",
    })),
    ...canary.map((replica): Serving => ({
      replica,
      weight: share(replica, canary, main, percent),
      side: "new",
    })),
  ];
}

function oldServers({ earlier }: RolloutInput, { old }: RolloutMemory): RoutedReplica[] {
  return earlier.filter(
    ({ container, ready, service }) =>
      ready && service.route !== null && container !== null && old.includes(container.id),
  );
}

function undoneServers(input: RolloutInput, memory: RolloutMemory): RoutedReplica[] {
  const old = oldServers(input, memory);
  return old.length > 0 ? old : input.wanted.filter(({ ready }) => ready);
}

function plain(replicas: readonly RoutedReplica[]): Serving[] {
  return replicas.map((replica) => ({ replica, weight: 1 }));
}

function waiting(replicas: readonly RoutedReplica[]): string {
  const names = replicas.filter(({ ready }) => !ready).map(({ service }) => service.service);
  return [...new Set(names)].join(", ");
}

function errorsOf(counts: RolloutCounts, { errors, points }: RolloutPolicy): string {
  return `${troubles(ended(counts, "new"), "requests after the switch", "first ")}; at most ${errors - 1} may, or ${points} percentage points more than before.`;
}

function seconds(milliseconds: number): string {
  return `${Number((milliseconds / 1000).toFixed(1))} s`;
}
