import { ENVIRONMENT_KINDS } from "../core/lifecycle.ts";
import type { Stacks } from "../core/stack.ts";
import { knownVolumes, NOTHING_TO_ATTACH, type Attaching } from "./attachments/attaching.ts";
import type { CertificateKeeper } from "./certificates/certificateKeeper.ts";
import type { Clock } from "./clock.ts";
import type { ControlPlane, InboxRow } from "./controlPlane.ts";
import { Crashes } from "./crashes.ts";
import { dirtOf } from "./dirt.ts";
import type { KnownProject } from "./doctor/gateway.ts";
import type { VolumeWatch } from "./disks/volumeWatch.ts";
import type { Engine, EngineEvent, EngineWatch } from "./engine/engine.ts";
import { EngineError } from "./engine/engineError.ts";
import type { Gateway } from "./gateway/gateway.ts";
import { gatewayProbe } from "./gatewayProbe.ts";
import type { HealthCheck } from "./healthCheck.ts";
import { GroupKeeper } from "./groups/groupKeeper.ts";
import type { Drift } from "./host/drift.ts";
import type { OwnedCounts } from "./host/hostReporter.ts";
import { Images } from "./images.ts";
import { Inbox } from "./inbox.ts";
import { LastLook } from "./lastLook.ts";
import type { Log } from "./log.ts";
import { Orphans } from "./orphans.ts";
import type { Operation } from "./plan/operation.ts";
import { HostPorts, type PortHolder } from "./ports/hostPorts.ts";
import { Presence } from "./presence.ts";
import { DEFAULT_RETRY, KeyedQueue, type RetryPolicy, type Turn } from "./queue.ts";
import { Readiness } from "./readiness.ts";
import { previewTurn } from "./turn/previewTurn.ts";
import { reconcile } from "./turn/reconcile.ts";
import { removeOrphan } from "./removeOrphan.ts";
import { renderWanted } from "./renderWanted.ts";
import { Reporter } from "./reporter.ts";
import { resync } from "./resync.ts";
import { Rollouts } from "./rollout/rollouts.ts";
import { RoutedBefore } from "./routedBefore.ts";
import { RouteTable } from "./routeTable.ts";
import { StaleHealth } from "./staleHealth.ts";
import type { Sources } from "./sources/sources.ts";
import type { Starters } from "./starters.ts";
import type { TurnContext } from "./turn/turnContext.ts";
import { Wanted } from "./wanted.ts";

/** Projects that are worked on at once: more of them would make each slower, not all of them faster. */
const PARALLEL_PROJECTS = 4;
/** Milliseconds between two looks at everything, and for which an orphan is left in peace. */
const DEFAULT_TIMING = { resyncMs: 60_000, orphanGraceMs: 60_000 };
/** Keys of the queue are project ids, and this with a namespace. */
const ORPHAN = "orphan:";

export type WorkerOptions = {
  engine: Engine;
  controlPlane: ControlPlane;
  gateway: Gateway;
  starters: Starters;
  /** Fetches what projects begin with that have a source of their own. */
  sources?: Sources;
  stacks: Stacks;
  attaching?: Attaching;
  /** The text of docker/project-template.yml. */
  template: string;
  instanceId: string;
  clock: Clock;
  /** In [0, 1). */
  random: () => number;
  log: Log;
  /** Where volumes can have no hard size; null where they can. */
  volumeWatch?: VolumeWatch | null;
  /** Runs attachments' own health checks; without it they are taken to be ready when they listen. */
  healthCheck?: HealthCheck;
  /** Who listens at published ports; this machine's own ports by default. */
  hostPorts?: PortHolder;
  /** Makes what projects share (gateway, firewall) be there; called after the engine came back, and now and then. */
  ensureShared: (engineChanged: boolean) => Promise<void>;
  /** Told of each project that lives here, as it is wanted, of those that are gone, and which ones there are. */
  certificates?: Pick<CertificateKeeper, "follow" | "forget" | "hosted" | "look">;
  /** Takes note of what is mended. */
  drift?: Pick<Drift, "note">;
  /** Told, with each look at everything, how much this instance has in Docker. */
  counted?: (counts: OwnedCounts) => void;
  /** The control plane no longer takes this worker's word: another one has the host. */
  onFenced: (error: unknown) => void;
  isFenced: (error: unknown) => boolean;
  retry?: RetryPolicy;
  timing?: { resyncMs: number; orphanGraceMs: number };
};

/**
 * Keeps one host as its control plane wants it. Everything that happens (an inbox row, an event of Docker's, a container
 * that answers, the clock) only marks a project; the queue then looks at what is wanted and what there is, and never at
 * what happened.
 */
export class Worker {
  private readonly options: WorkerOptions;
  private readonly timing: { resyncMs: number; orphanGraceMs: number };
  private readonly queue: KeyedQueue;
  private readonly readiness: Readiness;
  private readonly routedBefore: RoutedBefore;
  private readonly images: Images;
  private readonly routes: RouteTable;
  private readonly rollouts: Rollouts;
  private readonly reporter: Reporter;
  private readonly wanted: Wanted;
  private readonly orphans: Orphans;
  private readonly lastLook: LastLook;
  private readonly groups = new GroupKeeper();
  private readonly hostPorts: PortHolder;
  private readonly inbox = new Inbox();
  private readonly presence = new Presence();
  private readonly crashes = new Crashes();
  private readonly staleHealth = new StaleHealth();
  private readonly context: TurnContext;
  private readonly timers = new Map<string, () => void>();
  private readonly background = new Set<Promise<void>>();
  private unsubscribe: (() => void) | null = null;
  private watch: EngineWatch | null = null;
  private engineWasLost = false;
  private closing = false;

  constructor(options: WorkerOptions) {
    const { clock, engine, gateway, controlPlane, random } = options;
    this.options = options;
    this.timing = options.timing ?? DEFAULT_TIMING;
    this.orphans = new Orphans(this.timing.orphanGraceMs);
    this.lastLook = new LastLook(clock);
    this.images = new Images(engine);
    this.hostPorts = options.hostPorts ?? new HostPorts(clock);
    this.wanted = new Wanted(controlPlane, this.presence);
    this.routes = new RouteTable(gateway, () => clock.now());
    this.rollouts = new Rollouts(gateway, clock);
    this.routedBefore = new RoutedBefore(gateway);
    this.reporter = new Reporter(controlPlane, this.presence);
    this.readiness = new Readiness(gatewayProbe(gateway, options.healthCheck), clock, (namespace) =>
      this.markNamespace(namespace),
    );
    this.context = this.turnContext();
    this.queue = new KeyedQueue((key, turn) => this.turn(key, turn), {
      clock,
      random,
      parallel: PARALLEL_PROJECTS,
      retry: options.retry ?? DEFAULT_RETRY,
      onFailure: (key, error, retryInMs, { failures }) =>
        this.logFailure("retry", error, { key, failures: failures + 1, retryInMs }),
    });
  }

  /**
   * Looks at everything once, then follows the control plane and Docker. The gateway must answer already.
   * @returns when it follows both; work may be going on
   */
  async start(): Promise<void> {
    const { controlPlane, engine } = this.options;
    // First of all, so that what is pushed from now on is newer than what the gateway has.
    await this.routes.compare();
    this.unsubscribe = controlPlane.watchInbox(
      (rows) => this.onInbox(rows),
      (error) => this.logFailure("inbox-failed", error),
    );
    this.watch = engine.watch({
      onEvent: (event) => this.onEvent(event),
      onConnected: () => this.onEngineConnected(),
      onLost: (error) => {
        this.engineWasLost = true;
        this.lastLook.forget();
        if (!this.closing) this.logFailure("engine-lost", error);
      },
    });
    await this.resync();
    this.scheduleResync();
    const watching = this.options.volumeWatch?.start((namespace) => this.markNamespace(namespace));
    if (watching) this.timers.set("volume-watch", watching);
  }

  /** Ends what is running and leaves every container as it is. */
  async stop(): Promise<void> {
    this.closing = true;
    this.unsubscribe?.();
    this.watch?.close();
    for (const cancel of this.timers.values()) cancel();
    this.readiness.close();
    await Promise.all([this.queue.close(), ...this.background]);
    await this.hostPorts.close();
  }

  /** Settles once no turn runs or waits for a free place. */
  async settled(): Promise<void> {
    await this.queue.settled();
  }

  /** What a turn of the project would do now; null: it does not live here. */
  async plan(projectId: string): Promise<Operation[] | null> {
    const spec = await this.wanted.read(projectId);
    return spec && (await previewTurn(this.context, spec));
  }

  /** The projects that live here, and whether something of them runs, as last told. */
  projects(): KnownProject[] {
    return [...this.wanted.owners()].map(([namespace, projectId]) => ({
      namespace,
      slug: this.wanted.last(projectId)?.slug ?? namespace,
      runs: ENVIRONMENT_KINDS.some((kind) => this.reporter.last(projectId, kind)?.phase === "running"),
    }));
  }

  /** The control plane answered. Where it had been away, what could not be told is told now. */
  onControlPlaneHeard(): void {
    if (!this.presence.noteHeard()) return;
    this.options.log("control-plane-back");
    for (const projectId of this.wanted.owners().values()) this.queue.mark(projectId, true);
  }

  private onInbox(rows: readonly InboxRow[]): void {
    this.onControlPlaneHeard();
    for (const projectId of this.inbox.replace(rows)) this.markChanged(projectId);
  }

  private onEvent(event: EngineEvent): void {
    this.crashes.note(event, this.options.clock.elapsed());
    this.staleHealth.note(event);
    const dirt = dirtOf(event, this.options.instanceId);
    switch (dirt?.kind) {
      case "namespace":
        this.lastLook.pass(dirt.namespace);
        if (dirt.withdraw !== null) this.onEnded(dirt.withdraw, dirt.namespace);
        this.markNamespace(dirt.namespace);
        break;
      case "gateway":
        this.inBackground("ensure-shared-failed", async () => {
          await this.options.engine.changeDone(dirt.container);
          await this.ensureShared(false);
        });
        break;
      case "images":
        this.images.forget();
        for (const projectId of this.wanted.owners().values()) {
          if (this.queue.isFailing(projectId)) this.queue.mark(projectId, true);
        }
        break;
      case undefined:
        break;
    }
  }

  /** Withdraws a container's address at once, and looks again when lists tell what became of it. */
  private onEnded(container: string, namespace: string): void {
    this.readiness.suspend(container);
    this.routedBefore.noteEnded(namespace, container);
    this.inBackground("look-failed", async () => {
      try {
        await this.options.engine.changeDone(container);
      } finally {
        this.readiness.resume(container);
        this.markNamespace(namespace);
      }
    });
  }

  private onEngineConnected(): void {
    this.options.log("engine-connected");
    if (!this.engineWasLost) return;
    this.engineWasLost = false;
    this.readiness.recheck();
    this.images.forget();
    this.markAll();
    this.inBackground("ensure-shared-failed", () => this.ensureShared(true));
  }

  private markAll(): void {
    for (const projectId of this.wanted.owners().values()) this.queue.mark(projectId);
  }

  /** What is wanted of a project is another thing than before. */
  private markChanged(projectId: string): void {
    const spec = this.wanted.last(projectId);
    if (spec) this.crashes.forgive(spec.namespace);
    this.wanted.expire(projectId);
    this.queue.mark(projectId, true);
  }

  private markNamespace(namespace: string): void {
    const projectId = this.wanted.ownerOf(namespace);
    if (projectId !== undefined) this.queue.mark(projectId);
    else for (const member of this.wanted.membersOf(namespace)) this.queue.mark(member);
  }

  private async ensureShared(engineChanged: boolean): Promise<void> {
    await this.options.ensureShared(engineChanged);
    this.options.certificates?.look();
    const { lost } = await this.routes.compare();
    for (const namespace of lost) this.markNamespace(namespace);
  }

  private scheduleResync(): void {
    this.later("resync", this.timing.resyncMs, () => {
      this.inBackground("resync-failed", async () => {
        try {
          await this.ensureShared(false);
          this.readiness.recheck();
          await this.resync();
        } catch (error) {
          // A project that nobody can look at is told of, even if nothing is wanted of it: its own turns do that.
          if (error instanceof EngineError) this.markAll();
          throw error;
        } finally {
          this.scheduleResync();
        }
      });
    });
  }

  private async resync(): Promise<void> {
    const { clock, stacks, template, instanceId } = this.options;
    await resync({
      ...this.options,
      presence: this.presence,
      wanted: this.wanted,
      routes: this.routes,
      orphans: this.orphans,
      lastLook: this.lastLook,
      elapsed: () => clock.elapsed(),
      told: (projectId, kind) => this.reporter.last(projectId, kind),
      held: (namespace) =>
        new Map([
          ...this.crashes.held(namespace, clock.elapsed()),
          ...(this.options.volumeWatch?.held(namespace) ?? []),
        ]),
      render: (spec) => {
        const attaching = this.options.attaching ?? NOTHING_TO_ATTACH;
        const imageVolumes = knownVolumes(spec, attaching, this.images);
        const attachments = attaching.definitions;
        return renderWanted({ spec, stacks, template, instanceId, attachments, imageVolumes }).project;
      },
      listed: (projectIds) => this.options.certificates?.hosted(projectIds),
      changed: (projectId) => this.markChanged(projectId),
      drifted: (projectId) => this.queue.mark(projectId),
      gone: (projectId, namespace) => this.forgetProject(projectId, namespace),
      orphaned: (namespace) => this.queue.mark(`${ORPHAN}${namespace}`),
    });
  }

  private async turn(key: string, turn: Turn): Promise<void> {
    if (key.startsWith(ORPHAN)) return await this.orphanTurn(key.slice(ORPHAN.length));
    const known = this.wanted.last(key);
    const spec = await this.wanted.read(key);
    // It lives elsewhere or is gone; what it left here is an orphan, and the next looks at everything see to that.
    if (!spec) {
      if (known) this.forgetProject(key, known.namespace);
      return;
    }
    this.options.certificates?.follow(spec);
    try {
      const awaited = this.inbox.awaited(key);
      const result = await reconcile(this.context, { spec, turn, awaited });
      if (result === "deleted") this.forgetProject(key, spec.namespace);
    } catch (error) {
      // Part of what went wrong may be that something else is wanted by now.
      this.wanted.expire(key);
      throw error;
    } finally {
      this.lastLook.pass(spec.namespace);
    }
  }

  private async orphanTurn(namespace: string): Promise<void> {
    // It may have found an owner since it was looked at.
    if (this.wanted.ownerOf(namespace) !== undefined) return;
    if (this.wanted.membersOf(namespace).length > 0) return;
    await removeOrphan({ ...this.options, routes: this.routes }, namespace);
  }

  private turnContext(): TurnContext {
    return {
      ...this.options,
      routes: this.routes,
      rollouts: this.rollouts,
      reporter: this.reporter,
      readiness: this.readiness,
      routedBefore: this.routedBefore,
      crashes: this.crashes,
      staleHealth: this.staleHealth,
      images: this.images,
      lastLook: this.lastLook,
      groups: this.groups,
      hostPorts: this.hostPorts,
      expire: (projectId) => this.wanted.expire(projectId),
      again: (projectId, delayMs) => this.later(projectId, delayMs, () => this.queue.mark(projectId)),
    };
  }

  private forgetProject(projectId: string, namespace: string): void {
    this.wanted.forget(projectId);
    this.reporter.forget(projectId);
    this.options.certificates?.forget(projectId);
    this.routes.forget(namespace);
    this.rollouts.forget(namespace);
    this.routedBefore.forget(namespace);
    this.timers.get(projectId)?.();
    this.timers.delete(projectId);
    this.options.volumeWatch?.follow(namespace, []);
    this.inBackground("forget-failed", async () => {
      await Promise.all([this.readiness.follow(namespace, []), this.hostPorts.follow(namespace, [])]);
    });
  }

  private later(name: string, delayMs: number, callback: () => void): void {
    if (this.closing) return;
    this.timers.get(name)?.();
    this.timers.set(name, this.options.clock.after(delayMs, callback));
  }

  /** What goes wrong here is mended by the next look at everything. */
  private inBackground(event: string, work: () => Promise<void>): void {
    if (this.closing) return;
    const going = work()
      .catch((error: unknown) => this.logFailure(event, error))
      .finally(() => this.background.delete(going));
    this.background.add(going);
  }

  private logFailure(event: string, error: unknown, fields: Record<string, unknown> = {}): void {
    if (this.options.isFenced(error)) this.options.onFenced(error);
    this.options.log(event, { ...fields, error });
  }
}
