import type { EnvironmentObservation, ProjectSpec } from "../core/projectSpec.ts";
import type { RenderedProject } from "../core/render/rendered.ts";
import type { Stacks } from "../core/stack.ts";
import type { EnvironmentKind } from "../core/lifecycle.ts";
import {
  declaredVolumes,
  NOTHING_TO_ATTACH,
  waitsForImages,
  type Attaching,
} from "./attachments/attaching.ts";
import type { Clock } from "./clock.ts";
import { blindObservation, conditionsOf, explain, START_LIMIT_MS, type Findings } from "./conditions.ts";
import type { ControlPlane } from "./controlPlane.ts";
import type { Crashes } from "./crashes.ts";
import type { Engine } from "./engine/engine.ts";
import { EngineError } from "./engine/engineError.ts";
import { execute, type Execution, type Failure } from "./execute.ts";
import { whileFetching } from "./fetchingImages.ts";
import type { GroupContext, GroupKeeper } from "./groups/groupKeeper.ts";
import type { Images } from "./images.ts";
import type { Log } from "./log.ts";
import { describe, type Operation } from "./plan/operation.ts";
import { plan } from "./plan/plan.ts";
import type { PortHolder } from "./ports/hostPorts.ts";
import { portStep } from "./ports/portStep.ts";
import type { Turn } from "./queue.ts";
import type { Readiness } from "./readiness.ts";
import { renderWanted } from "./renderWanted.ts";
import { revealer } from "./reveal.ts";
import type { Reporter } from "./reporter.ts";
import type { RouteTable } from "./routeTable.ts";
import type { Rollouts } from "./rollout/rollouts.ts";
import { decideRollout, fatesOfEarlier, rolloutPushed, tellRollout } from "./rollout/rolloutStep.ts";
import { routesOf, type FailedMessages } from "./routing.ts";
import type { VolumeWatch } from "./disks/volumeWatch.ts";
import { watchedVolumes } from "./disks/watchedVolumes.ts";
import { probeTargets, seeProject, type SeenEnvironment } from "./seen.ts";
import { isEmpty, observe, type Snapshot } from "./snapshot.ts";
import { neededSnapshots } from "./snapshots/neededSnapshots.ts";
import { snapshotStep } from "./snapshots/snapshotStep.ts";
import { SnapshotLost } from "./snapshots/takeSnapshot.ts";
import type { StaleHealth } from "./staleHealth.ts";
import type { Sources } from "./sources/sources.ts";
import type { Starters } from "./starters.ts";
import { followTests, passWithoutTests } from "./testRuns/followTests.ts";

/** Calls to Docker at once for one project. */
const PARALLEL_CALLS = 6;
const LOG_LINES = 10;

export type ReconcileContext = {
  engine: Engine;
  controlPlane: Pick<
    ControlPlane,
    | "project"
    | "confirmDeleted"
    | "reallocateSubnet"
    | "reallocatePort"
    | "reportSnapshot"
    | "reportTest"
    | "reportDeploy"
  >;
  routes: RouteTable;
  rollouts: Rollouts;
  reporter: Reporter;
  readiness: Readiness;
  staleHealth: StaleHealth;
  crashes: Crashes;
  images: Images;
  /** Where volumes can have no hard size; null where they can. */
  volumeWatch?: VolumeWatch | null;
  starters: Starters;
  sources?: Sources;
  stacks: Stacks;
  attaching?: Attaching;
  groups: GroupKeeper;
  hostPorts: PortHolder;
  /** The text of docker/project-template.yml. */
  template: string;
  instanceId: string;
  clock: Clock;
  log: Log;
  /** What was last read of a project has changed by what this worker reported: it is to be read anew. */
  expire(projectId: string): void;
  /** Asks for another turn of the project after so many ms. */
  again(projectId: string, delayMs: number): void;
};

export type ReconcileInput = {
  spec: ProjectSpec;
  turn: Turn;
  /** Environments that the control plane waits to hear of. */
  awaited: ReadonlySet<EnvironmentKind>;
};

/**
 * One turn of one project: observe → plan → execute → observe → route → report.
 * @returns `deleted` once nothing is left of a project that is to be deleted, and the control plane knows
 * @throws when something failed that another turn may mend
 */
export async function reconcile(
  context: ReconcileContext,
  { spec: asked, turn, awaited }: ReconcileInput,
): Promise<"done" | "deleted"> {
  const { engine, instanceId, clock, crashes } = context;
  const { namespace, projectId } = asked;
  const look = async () => context.staleHealth.correct(await observe(engine, { instanceId, namespace }));

  const attaching = context.attaching ?? NOTHING_TO_ATTACH;
  const imageVolumes = await declaredVolumes(asked, attaching, context.images).catch((error: unknown) =>
    reportBlind(context, asked, turn, error),
  );
  const rendering = renderWanted({
    ...{ spec: asked, stacks: context.stacks, attachments: attaching.definitions, imageVolumes },
    template: context.template,
    instanceId,
  });
  const [before, missingImages] = await Promise.all([
    look(),
    context.images.missing(imagesOf(rendering.project)),
  ]).catch((error: unknown) => reportBlind(context, asked, turn, error));
  // Before anything is planned: tests that have ended never run again.
  const tests = await followTests(
    context,
    asked,
    seeProject(asked, rendering.project, before, context.readiness),
  );
  const { spec } = tests;
  const volumeWatch = context.volumeWatch ?? null;
  volumeWatch?.follow(namespace, watchedVolumes(spec, rendering.project, before));
  const overfull = volumeWatch?.held(namespace) ?? new Map<string, string>();
  const held = new Map([...crashes.held(namespace, clock.elapsed()), ...overfull]);
  const group = groupContext(context, attaching);
  const provided = await context.groups
    .provide(group, spec)
    .catch((error: unknown) => reportBlind(context, asked, turn, error));
  const early = await ask(context, spec, rendering.project, before);
  const operations = plan({
    ...{ spec, rendered: rendering.project, snapshot: before, missingImages, held },
    answering: new Set(
      early.flatMap(({ replicas }) => replicas.filter(({ ready }) => ready)).map(({ name }) => name),
    ),
    awaited: provided.silent,
    fates: await fatesOfEarlier(context, spec, early),
  });

  const leaving = leavingIn(operations);
  await routeFor(context, spec, early, leaving, toldFailures(context, spec));

  const known = {
    ...{ namespace, renderError: rendering.error, held, overfull, exhausted: turn.last },
    unsized: volumeWatch?.why ?? null,
    now: clock.now(),
  };
  const of = (kind: EnvironmentKind) => ({
    hibernate: spec.manifest.environments[kind].hibernate,
    before: context.reporter.last(projectId, kind)?.conditions ?? [],
    awaited: provided.silent.get(kind) ?? null,
  });
  // Once the attempts are used up it is failed, also while another one is made.
  const fetching = turn.last ? [] : whileFetching(early, operations, known, of);
  await report(context, spec, fetching, awaited);

  const execution = await run(context, spec, operations);
  const released = await context.groups.release(group, spec);
  execution.failed.unshift(...provided.failed, ...released.failed);
  if (waitsForImages(rendering.project) && execution.failed.length === 0) context.again(projectId, 0);
  const after = operations.length === 0 ? before : await look();
  const seen = operations.length === 0 ? early : await ask(context, spec, rendering.project, after);

  const ports = await portStep(context, spec, seen);
  if (ports.exchanged) {
    context.expire(projectId);
    context.again(projectId, 0);
  }
  const needed = neededSnapshots(spec, rendering.project, after);
  const waiting = new Map<EnvironmentKind, unknown>(needed.map(({ kind }) => [kind, null]));
  const failedWrites = await reallocateTakenSubnets(context, spec, execution.failed, after);
  const logs = await logsOf(context, seen, held);
  const findings = (environment: SeenEnvironment, routeError: unknown): Findings => ({
    ...known,
    ...of(environment.spec.kind),
    seen: environment,
    failures: execution.failed.filter(({ operation }) => concerns(operation, spec.status, environment)),
    logs,
    routeError,
    snapshot: waiting.has(environment.spec.kind) ? { error: waiting.get(environment.spec.kind) } : null,
    now: clock.now(),
  });

  const failures = failedMessages(seen.map((environment) => conditionsOf(findings(environment, null))));
  const routeError = await routeFor(context, spec, seen, new Set(), failures);
  if (spec.status === "deleting" && isEmpty(after) && execution.failed.length === 0 && routeError === null) {
    await context.controlPlane.confirmDeleted(projectId);
    context.log("deleted", { project: spec.slug, namespace });
    return "deleted";
  }

  const rollout = await tellRollout(context, spec, seen, failures.deploy ?? null).catch((error: unknown) => ({
    ...{ told: false, reverts: false, error },
  }));
  // What was live before is wanted again in a moment: then that is what there is to tell.
  const toldOf = seen.filter(({ spec: { kind } }) => kind !== "deploy" || !rollout.reverts);
  const tell = async () => {
    const observations = toldOf.map((environment) => conditionsOf(findings(environment, routeError)));
    const passed = await passWithoutTests(context, spec, seen, isRunning(observations, "test"));
    if (passed.error == null && passed.spec !== spec) context.again(projectId, 0);
    await report(context, spec, observations, awaited);
    return passed.error;
  };
  const untold = await tell();
  comeBack(context, projectId, namespace, seen, tests.lookAgainInMs);
  if (rollout.told) {
    context.expire(projectId);
    context.again(projectId, 0);
  }

  let snapshotError: unknown = null;
  for (const one of rendering.project && execution.failed.length === 0 ? needed : []) {
    try {
      await snapshotStep(context, spec, rendering.project!, after, one);
      context.expire(projectId);
      context.again(projectId, 0);
      break;
    } catch (error) {
      snapshotError ??= error;
      waiting.set(one.kind, error);
      await tell();
      // One that nothing brings back must not keep others waiting; of others, something may be left to clear away.
      if (!(error instanceof SnapshotLost)) break;
    }
  }

  const problem =
    execution.failed[0]?.error ??
    routeError ??
    failedWrites ??
    ports.error ??
    tests.error ??
    untold ??
    ("error" in rollout ? rollout.error : null) ??
    snapshotError;
  if (problem != null) throw problem instanceof Error ? problem : new Error(explain(problem));
  // What is still there though everything was done (a network that others just left) needs another look.
  if (spec.status === "deleting" && !isEmpty(after)) throw new Error(`${spec.slug} is not gone yet.`);
  return "done";
}

function isRunning(observations: readonly EnvironmentObservation[], kind: EnvironmentKind): boolean {
  return observations.some((observation) => observation.kind === kind && observation.phase === "running");
}

async function report(
  { reporter, log }: ReconcileContext,
  { projectId, slug }: ProjectSpec,
  observations: readonly EnvironmentObservation[],
  awaited: ReadonlySet<EnvironmentKind>,
): Promise<void> {
  const sent = await reporter.report(projectId, observations, awaited);
  for (const { kind, phase, observedGeneration, message } of sent) {
    log("reported", { project: slug, environment: kind, phase, generation: observedGeneration, message });
  }
}

/** Docker cannot be looked at. What runs may well go on running, so this is only said once retrying did not help. */
async function reportBlind(
  { reporter }: ReconcileContext,
  { projectId, environments }: ProjectSpec,
  turn: Turn,
  error: unknown,
): Promise<never> {
  if (turn.last) {
    const observations = environments
      .filter(({ desired }) => desired !== "absent")
      .map(({ kind, generation }) =>
        blindObservation(kind, generation, error, reporter.last(projectId, kind)),
      );
    await reporter.report(projectId, observations, new Set());
  }
  throw error;
}

function imagesOf(rendered: RenderedProject | null): string[] {
  return (rendered?.environments ?? []).flatMap(({ services }) => services.map(({ image }) => image));
}

/** Follows the readiness of what runs, and sees everything in its light. */
async function ask(
  { readiness }: ReconcileContext,
  spec: ProjectSpec,
  rendered: RenderedProject | null,
  snapshot: Snapshot,
): Promise<SeenEnvironment[]> {
  await readiness.follow(
    spec.namespace,
    probeTargets(spec.namespace, seeProject(spec, rendered, snapshot, readiness)),
  );
  return seeProject(spec, rendered, snapshot, readiness);
}

async function run(
  { engine, starters, sources, images, log, attaching = NOTHING_TO_ATTACH }: ReconcileContext,
  spec: ProjectSpec,
  operations: readonly Operation[],
): Promise<Execution> {
  const { projectId } = spec;
  const { buildImage, credentials } = attaching;
  const execution = await execute(engine, starters, operations, {
    parallel: PARALLEL_CALLS,
    reveal: revealer(spec.opened ?? {}, credentials),
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
  return execution;
}

/** Whether an operation is part of what an environment needs: an image is pulled once for all that run it. */
function concerns(
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

function groupContext(context: ReconcileContext, attaching: Attaching): GroupContext {
  const { crashes, clock } = context;
  return { ...context, attaching, held: (namespace) => crashes.held(namespace, clock.elapsed()) };
}

/** Containers that an operation stops, removes or replaces. */
function leavingIn(operations: readonly Operation[]): Set<string> {
  return new Set(
    operations
      .filter((operation) => operation.do === "stop container" || operation.do === "remove container")
      .map(({ target }) => target),
  );
}

/** @returns why the gateway did not take it, or null */
async function routeFor(
  context: ReconcileContext,
  spec: ProjectSpec,
  seen: readonly SeenEnvironment[],
  leaving: ReadonlySet<string>,
  failures: FailedMessages,
): Promise<unknown> {
  const { routes, log } = context;
  try {
    await decideRollout(context, spec, seen, failures.deploy ?? null);
    const changed = await routes.put(spec.namespace, routesOf(spec, seen, leaving, failures));
    if (changed === "changed") log("routed", { project: spec.slug, namespace: spec.namespace });
    await rolloutPushed(context, spec, seen, routes.version(spec.namespace));
    return null;
  } catch (error) {
    log("route-failed", { project: spec.slug, error });
    return error;
  }
}

/** A subnet that Docker says is taken is exchanged for another one; the next turn uses that. */
async function reallocateTakenSubnets(
  { controlPlane, log }: ReconcileContext,
  spec: ProjectSpec,
  failures: readonly Failure[],
  after: Snapshot,
): Promise<unknown> {
  for (const { operation, error } of failures) {
    if (operation.do !== "create network" || operation.environment === null) continue;
    if (!(error instanceof EngineError) || error.fault !== "subnet_taken") continue;
    const { name, subnet } = operation.network;
    // Made at the same moment by a worker that this one replaces: then it is taken by the very network that is wanted.
    if (after.networks.some((network) => network.name === name && network.subnet === subnet)) continue;
    const which = operation.network.internal ? "internal" : "egress";
    log("subnet-taken", { project: spec.slug, environment: operation.environment, which });
    try {
      await controlPlane.reallocateSubnet(spec.projectId, operation.environment, which, error.message);
    } catch (refusal) {
      return refusal;
    }
  }
  return null;
}

async function logsOf(
  { engine }: ReconcileContext,
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

/** Why environments failed, as last told of what is wanted still: their page goes on saying so until more is known. */
function toldFailures(
  { reporter }: ReconcileContext,
  { projectId, environments }: ProjectSpec,
): FailedMessages {
  return failedMessages(
    environments.flatMap(({ kind, generation }) => {
      const told = reporter.last(projectId, kind);
      return told?.observedGeneration === generation ? [told] : [];
    }),
  );
}

function failedMessages(
  observations: readonly { kind: string; phase: string; message: string }[],
): FailedMessages {
  return Object.fromEntries(
    observations.filter(({ phase }) => phase === "failed").map(({ kind, message }) => [kind, message]),
  );
}

/** Events bring a project back when something happens; these are the things that happen by themselves, in time. */
function comeBack(
  { again, crashes, clock, rollouts }: ReconcileContext,
  projectId: string,
  namespace: string,
  seen: readonly SeenEnvironment[],
  testsOverdueInMs: number | null,
): void {
  const now = clock.elapsed();
  const release = crashes.nextRelease(namespace, now);
  const waiting = seen
    .flatMap(({ replicas }) => replicas)
    .map(({ waitingMs }) => waitingMs)
    .filter((waitingMs) => waitingMs > 0 && waitingMs < START_LIMIT_MS)
    .map((waitingMs) => START_LIMIT_MS - waitingMs);
  const overdue = testsOverdueInMs === null ? [] : [testsOverdueInMs];
  const deploy = seen.find(({ spec }) => spec.kind === "deploy" && spec.desired === "running");
  const rollout = deploy ? rollouts.againMs(deploy, deploy.rollout ?? null) : null;
  const delays = [
    ...(release === null ? [] : [release - now]),
    ...waiting,
    ...overdue,
    ...(rollout === null ? [] : [rollout]),
  ];
  if (delays.length > 0) again(projectId, Math.min(...delays));
}
