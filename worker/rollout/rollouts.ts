import type { ProjectRoutes } from "../../core/routes.ts";
import { rolloutPolicy, type Receipt, type RolloutPolicy } from "../../core/rollout.ts";
import type { Manifest } from "../../core/manifest.ts";
import type { Clock } from "../clock.ts";
import type { Gateway, InProgress } from "../gateway/gateway.ts";
import { GatewayError } from "../gateway/gatewayError.ts";
import type { SeenEnvironment } from "../seen.ts";
import { canaryId, decide, LEAST_DRAIN_MS, type RolloutDecision, type RolloutMemory } from "./decide.ts";
import { fatesOf, type Fate } from "./fates.ts";
import { receiptOf } from "./receipt.ts";
import { recalled } from "./recall.ts";
import { isRolled, wantedReplica, type RoutedReplica } from "./replicas.ts";

/** How often containers that drain are looked at. */
const DRAIN_LOOK_MS = 250;

type RolloutGateway = Pick<Gateway, "routes" | "inProgress" | "rollout" | "proveRoute">;

export type Entry = {
  memory: RolloutMemory | null;
  /** Ids of the containers that the gateway's table leads to. */
  routed: ReadonlySet<string>;
  /** By id since when the table leads to a container no more, on the clock that only rises. */
  unrouted: Map<string, number>;
  /** Whether a request has gone by the route since it was switched. */
  proven: boolean;
  receipt: Receipt | null;
  /** From when the containers of a canary were there. */
  canarySince: number | null;
  /** What the control plane was told last. */
  told: string;
};

/** The deployed part of a project, in the terms of a rollout. */
type Deployed = {
  namespace: string;
  environment: SeenEnvironment;
  policy: RolloutPolicy;
  wanted: RoutedReplica[];
  canary: RoutedReplica[];
  earlier: RoutedReplica[];
};

/** What this worker knows of the rollouts of all projects. Lost with it: the gateway's table tells the next one. */
export class Rollouts {
  private readonly entries = new Map<string, Entry>();
  private readonly gateway: RolloutGateway;
  private readonly clock: Clock;

  constructor(gateway: RolloutGateway, clock: Clock) {
    this.gateway = gateway;
    this.clock = clock;
  }

  /** What becomes of containers of earlier revisions; all stay while the gateway cannot be asked. */
  async fates(
    namespace: string,
    environment: SeenEnvironment,
    manifest: Manifest,
  ): Promise<Map<string, Fate>> {
    const deployed = deployedPart(namespace, environment, manifest);
    if (deployed.earlier.length === 0) return new Map();
    try {
      const entry = await this.entry(deployed);
      const { busy } = await this.drains(deployed, entry);
      return fatesOf({
        earlier: deployed.earlier,
        memory: entry.memory,
        routed: entry.routed,
        busy,
        kept: environment.spec.rollout?.kept ?? null,
      });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return new Map(deployed.earlier.map(({ name }): [string, Fate] => [name, "stay"]));
    }
  }

  /**
   * Where the route of an environment is to lead now. Nothing is remembered of it until `pushed`.
   * @param failure why its containers cannot become ready, where that is certain
   */
  async decide(
    namespace: string,
    environment: SeenEnvironment,
    manifest: Manifest,
    failure: string | null,
  ): Promise<RolloutDecision> {
    const deployed = deployedPart(namespace, environment, manifest);
    const entry = await this.entry(deployed);
    const { wanted, earlier, canary, policy } = deployed;
    const { memory } = entry;
    const percent = environment.spec.rollout?.canary?.percent ?? 0;
    const watches = memory?.phase === "during" || memory?.phase === "after";
    return decide({
      now: this.clock.elapsed(),
      date: this.clock.now(),
      generation: environment.spec.generation,
      policy,
      wanted,
      earlier,
      canary: canary.length > 0 ? { replicas: canary, percent } : null,
      routed: entry.routed,
      memory,
      counts: watches ? await this.gateway.rollout(namespace, environment.spec.kind, memory.id) : null,
      drained: watches ? (await this.drains(deployed, entry)).drained : true,
      failure,
    });
  }

  /** The gateway has taken over what was decided: proves the route where it was switched. */
  async pushed(
    namespace: string,
    environment: SeenEnvironment,
    decision: RolloutDecision,
    version: number,
  ): Promise<void> {
    const entry = this.entries.get(namespace);
    if (!entry) return;
    const before = entry.memory;
    const { memory, serving } = decision;
    const { kind } = environment.spec;
    entry.memory = memory;
    entry.routed = new Set(
      serving.flatMap(({ replica, standby }) =>
        replica.container && !standby ? [replica.container.id] : [],
      ),
    );
    this.noteUnrouted(entry, environment);
    if (memory.id !== before?.id) entry.receipt = null;
    if (memory.phase === "during" && before?.phase !== "during") entry.proven = false;
    if (!entry.proven && (memory.phase === "during" || memory.phase === "after")) {
      const path = serving.find(({ side }) => side === "new")?.replica.service.route ?? "/";
      const answer = await this.gateway.proveRoute({ namespace, environment: kind, path });
      if ((answer.version ?? 0) < version) {
        throw new Error(
          `The gateway still answers ${namespace} by version ${answer.version}, after it took over ${version}.`,
        );
      }
      entry.proven = true;
    }
    const over = memory.phase === "live" || memory.phase === "undone";
    if (over && before?.id === memory.id && before.phase !== memory.phase) {
      entry.receipt = receiptOf(await this.gateway.rollout(namespace, kind, memory.id));
    }
  }

  /** What is remembered of a namespace's rollout. */
  memory(namespace: string): RolloutMemory | null {
    return this.entries.get(namespace)?.memory ?? null;
  }

  receipt(namespace: string): Receipt | null {
    return this.entries.get(namespace)?.receipt ?? null;
  }

  /** Why a canary is over, where it is: it failed more often than the others, or never became ready. */
  async canaryFailure(
    namespace: string,
    environment: SeenEnvironment,
    manifest: Manifest,
  ): Promise<string | null> {
    const entry = this.entries.get(namespace);
    const { canary, policy } = deployedPart(namespace, environment, manifest);
    if (!entry || canary.length === 0) {
      if (entry) entry.canarySince = null;
      return null;
    }
    const id = canaryId(environment.spec.generation, canary);
    if (canary.every(({ ready }) => ready)) {
      const counts = await this.gateway.rollout(namespace, environment.spec.kind, id);
      if (!counts.undone) return null;
      const { failed, served } = counts.phases.before.new;
      return `${failed} of the ${failed + served} requests that it got failed.`;
    }
    entry.canarySince ??= this.clock.elapsed();
    if (this.clock.elapsed() - entry.canarySince < policy.startMs) return null;
    return `It did not become ready within ${policy.startMs / 1000} s.`;
  }

  /** Whether the control plane is to be told `what`: not what it was told last. */
  isNews(namespace: string, what: string): boolean {
    return this.entries.get(namespace)?.told !== what;
  }

  told(namespace: string, what: string): void {
    const entry = this.entries.get(namespace);
    if (entry) entry.told = what;
  }

  /** After how many ms something happens by itself; null: nothing does. */
  againMs({ earlier = [] }: SeenEnvironment, decision: RolloutDecision | null): number | null {
    const delays: number[] = decision?.againMs == null ? [] : [decision.againMs];
    if (earlier.some(({ container }) => container?.state === "running")) delays.push(DRAIN_LOOK_MS);
    return delays.length === 0 ? null : Math.min(...delays);
  }

  forget(namespace: string): void {
    this.entries.delete(namespace);
  }

  private async entry(deployed: Deployed): Promise<Entry> {
    const known = this.entries.get(deployed.namespace);
    if (known) return known;
    const { environment, wanted, canary, earlier, namespace } = deployed;
    const table: ProjectRoutes | null = await this.gateway.routes(namespace);
    const entry: Entry = {
      ...recalled(table?.environments[environment.spec.kind] ?? null, {
        wanted,
        all: [...wanted, ...canary, ...earlier],
        generation: environment.spec.generation,
        now: this.clock.elapsed(),
      }),
      unrouted: new Map(),
      proven: false,
      receipt: null,
      canarySince: null,
      told: "",
    };
    this.entries.set(namespace, entry);
    this.noteUnrouted(entry, environment);
    return entry;
  }

  private noteUnrouted({ routed, unrouted }: Entry, { earlier = [] }: SeenEnvironment): void {
    const there = new Set(earlier.flatMap(({ container }) => container?.id ?? []));
    for (const id of there) {
      if (routed.has(id)) unrouted.delete(id);
      else if (!unrouted.has(id)) unrouted.set(id, this.clock.elapsed());
    }
    for (const id of unrouted.keys()) if (!there.has(id)) unrouted.delete(id);
  }

  /** Which of the earlier containers have something to finish yet, and whether the old side is done but for streams. */
  private async drains(
    { earlier, policy }: Deployed,
    { memory, routed, unrouted }: Entry,
  ): Promise<{ busy: Set<string>; drained: boolean }> {
    const now = this.clock.elapsed();
    const running = earlier.filter(
      ({ container, address }) =>
        container?.state === "running" && address !== null && !routed.has(container.id),
    );
    const counts = await this.gateway.inProgress(running.flatMap((one) => reachOf(one) ?? []));
    const busy = new Set<string>();
    let drained = true;
    for (const replica of running) {
      const id = replica.container!.id;
      const elapsedMs = now - (unrouted.get(id) ?? now);
      const inProgress = counts.get(reachOf(replica) ?? "");
      const requestsGoOn = elapsedMs < LEAST_DRAIN_MS || hasRequests(inProgress, elapsedMs, policy);
      if (requestsGoOn || hasStreams(inProgress, elapsedMs, policy)) busy.add(id);
      if (requestsGoOn && memory?.old.includes(id)) drained = false;
    }
    return { busy, drained };
  }
}

function hasRequests(counts: InProgress | undefined, elapsedMs: number, { drainMs }: RolloutPolicy): boolean {
  return (counts?.requests ?? 0) > (counts?.streams ?? 0) && elapsedMs < drainMs;
}

function hasStreams(
  counts: InProgress | undefined,
  elapsedMs: number,
  { streamsMs }: RolloutPolicy,
): boolean {
  return (counts?.streams ?? 0) > 0 && elapsedMs < streamsMs;
}

/** What the gateway counts a container's requests by. */
function reachOf({ address, service: { port } }: RoutedReplica): string | null {
  return address === null || port === null ? null : `${address}:${port}`;
}

function deployedPart(namespace: string, environment: SeenEnvironment, manifest: Manifest): Deployed {
  const { replicas, canary = [], earlier = [] } = environment;
  const { kind } = environment.spec;
  return {
    namespace,
    environment,
    policy: rolloutPolicy(manifest.environments.deploy.rollout),
    wanted: replicas.filter(({ service }) => isRolled(kind, service)).map(wantedReplica),
    canary: canary.filter(({ service }) => isRolled(kind, service)).map(wantedReplica),
    earlier,
  };
}
