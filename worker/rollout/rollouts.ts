import type { ProjectRoutes } from "../../core/routes.ts";
import { rolloutPolicy, type Receipt, type RolloutPolicy, type UndoneRollout } from "../../core/rollout.ts";
import type { Manifest } from "../../core/manifest.ts";
import type { Clock } from "../clock.ts";
import type { Gateway } from "../gateway/gateway.ts";
import { GatewayError } from "../gateway/gatewayError.ts";
import type { SeenEnvironment } from "../seen.ts";
import { canaryId, decide, type RolloutDecision, type RolloutMemory } from "./decide.ts";
import { drainingOf, reachOf, type Draining } from "./drains.ts";
import { fatesOf, type Fate } from "./fates.ts";
import { asksOf, SwitchProof, unprovenFor, UNPROVEN, type PushedRoute } from "./proof.ts";
import { ended, receiptOf, troubles } from "./receipt.ts";
import { recalled } from "./recall.ts";
import { isRolled, wantedReplica, type RoutedReplica } from "./replicas.ts";

/** How often containers that drain are looked at. */
const DRAIN_LOOK_MS = 250;
/** How long the gateway has to end what a container has in progress: nobody waits for that without a bound. */
const ENDING_MS = 2_000;

type RolloutGateway = Pick<Gateway, "routes" | "inProgress" | "endConnections" | "rollout" | "proveRoute">;

export type Entry = {
  memory: RolloutMemory | null;
  /** Ids of the containers that the gateway's table leads to. */
  routed: ReadonlySet<string>;
  /** What was undone when this worker began, as the gateway's table tells. */
  undone: UndoneRollout | null;
  /** By id since when the table leads to a container no more, on the clock that only rises. */
  unrouted: Map<string, number>;
  /** By id since when the gateway ends what a container has in progress. */
  ended: Map<string, number>;
  /** Whether requests reach what the route was switched to, or a canary; null: nothing is to be proven. */
  proof: SwitchProof | null;
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
      const draining = await this.draining(deployed, entry);
      const idsOf = (which: (one: Draining) => boolean) =>
        new Set(draining.filter(which).map(({ id }) => id));
      return fatesOf({
        earlier: deployed.earlier,
        memory: entry.memory,
        routed: entry.routed,
        busy: idsOf(({ drain }) => drain === "requests" || drain === "streams"),
        overdue: idsOf(({ drain, id }) => drain === "overdue" && !this.hasHadItsEnd(entry, id)),
        kept: environment.spec.rollout?.kept ?? null,
      });
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      return new Map(deployed.earlier.map(({ name }): [string, Fate] => [name, "stay"]));
    }
  }

  /** Has the gateway end what is in progress at containers that are to be kept ready, and have no time for it any more. */
  async endOverdue(namespace: string, environment: SeenEnvironment, manifest: Manifest): Promise<void> {
    const fates = await this.fates(namespace, environment, manifest);
    const ended = this.entries.get(namespace)?.ended;
    const due = (environment.earlier ?? []).filter(
      ({ name, container }) => fates.get(name) === "end" && container && !ended?.has(container.id),
    );
    if (due.length === 0) return;
    await this.gateway.endConnections(due.flatMap((one) => reachOf(one) ?? []));
    for (const { container } of due) ended?.set(container!.id, this.clock.elapsed());
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
      attempt: environment.spec.rollout?.attempt ?? 0,
      undone: entry.undone ?? environment.spec.rollout?.undone ?? null,
      policy,
      wanted,
      earlier,
      canary: canary.length > 0 ? { replicas: canary, percent } : null,
      routed: entry.routed,
      memory,
      counts: watches ? await this.gateway.rollout(namespace, environment.spec.kind, memory.id) : null,
      proof: entry.proof && entry.proof.id === memory?.id ? entry.proof.state() : UNPROVEN,
      drained: !watches || !(await this.oldSide(deployed, entry)).some(({ drain }) => drain === "requests"),
      failure,
    });
  }

  /**
   * The gateway has taken over what was decided: tries to prove the route where it was switched.
   * @param route of the environment, as the gateway has it
   */
  async pushed(
    namespace: string,
    environment: SeenEnvironment,
    manifest: Manifest,
    decision: RolloutDecision,
    version: number,
    route: PushedRoute | undefined,
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
    const proves = provesOf(decision);
    if (proves !== entry.proof?.id) {
      entry.proof = proves === null ? null : new SwitchProof(proves, this.gateway, this.clock);
    }
    if (entry.proof && route) {
      const readyPaths = new Map(
        serving.map(({ replica: { service } }) => [service.service, service.readyPath]),
      );
      await entry.proof.look({ namespace, environment: kind, asks: asksOf(route, readyPaths), version });
    }
    const over = memory.phase === "live" || memory.phase === "undone";
    if (over && before?.id === memory.id && before.phase !== memory.phase) {
      const old = await this.oldSide(deployedPart(namespace, environment, manifest), entry);
      entry.receipt = receiptOf(await this.gateway.rollout(namespace, kind, memory.id), old);
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
      if (!counts.undone) return entry.proof?.id === id ? unprovenFor(entry.proof.state()) : null;
      return `${troubles(ended(counts, "new"), "requests that it got")}.`;
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
        attempt: environment.spec.rollout?.attempt ?? 0,
        now: this.clock.elapsed(),
      }),
      unrouted: new Map(),
      ended: new Map(),
      proof: null,
      receipt: null,
      canarySince: null,
      told: "",
    };
    this.entries.set(namespace, entry);
    this.noteUnrouted(entry, environment);
    return entry;
  }

  private noteUnrouted({ routed, unrouted, ended }: Entry, { earlier = [] }: SeenEnvironment): void {
    const there = new Set(earlier.flatMap(({ container }) => container?.id ?? []));
    for (const id of there) {
      if (routed.has(id)) unrouted.delete(id);
      else if (!unrouted.has(id)) unrouted.set(id, this.clock.elapsed());
    }
    for (const id of unrouted.keys()) if (!there.has(id)) unrouted.delete(id);
    for (const id of ended.keys()) if (!unrouted.has(id)) ended.delete(id);
  }

  /** How far those of the earlier containers are that run, and that no route leads to. */
  private async draining({ earlier, policy }: Deployed, { routed, unrouted }: Entry): Promise<Draining[]> {
    const left = earlier.filter(({ container }) => container !== null && !routed.has(container.id));
    return await drainingOf(this.gateway, left, { unrouted, policy, now: this.clock.elapsed() });
  }

  /** The same of those that served before the switch. */
  private async oldSide(deployed: Deployed, entry: Entry): Promise<Draining[]> {
    const draining = await this.draining(deployed, entry);
    return draining.filter(({ id }) => entry.memory?.old.includes(id));
  }

  private hasHadItsEnd({ ended }: Entry, id: string): boolean {
    return this.clock.elapsed() - (ended.get(id) ?? Infinity) >= ENDING_MS;
  }
}

/** The id of the rollout or the canary whose route is to be proven; null: none is. */
function provesOf({ memory, mark }: RolloutDecision): string | null {
  if (memory.phase === "during") return memory.id;
  return memory.phase === "live" && mark !== null ? mark.id : null;
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
