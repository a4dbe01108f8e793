import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { EnvironmentObservation } from "../../core/projectSpec.ts";
import { waitsForImages } from "../attachments/attaching.ts";
import { conditionsOf } from "../conditions/conditionsOf.ts";
import { explain } from "../conditions/explain.ts";
import type { Findings } from "../conditions/findings.ts";
import { whileFetching } from "../conditions/whileFetching.ts";
import type { Execution } from "../execute.ts";
import { attemptName } from "../filling/marks.ts";
import type { Operation } from "../plan/operation.ts";
import { plan } from "../plan/plan.ts";
import { portStep } from "../ports/portStep.ts";
import { fatesOfEarlier, tellRollout } from "../rollout/rolloutStep.ts";
import { whyClosed } from "../routing.ts";
import type { SeenEnvironment } from "../seen.ts";
import { isEmpty, type Snapshot } from "../snapshot.ts";
import { neededSnapshots } from "../snapshots/neededSnapshots.ts";
import { passWithoutTests } from "../testRuns/followTests.ts";
import { comeBack } from "./comeBack.ts";
import { failureLogs } from "./failureLogs.ts";
import { ask, firstLook, groupContext, look, type FirstLook } from "./firstLook.ts";
import { failedMessages, routeProject, toldFailures } from "./routeProject.ts";
import { concerns, leavingIn, runOperations } from "./runOperations.ts";
import { reallocateTakenSubnets } from "./takenSubnets.ts";
import { sparingRouted } from "./sparingRouted.ts";
import { takeSnapshots } from "./takeSnapshots.ts";
import { requireStillWanted } from "./stillWanted.ts";
import { report } from "./tell.ts";
import type { TurnContext, TurnInput } from "./turnContext.ts";
import { findingsOfKind, findingsOfTurn } from "./turnFindings.ts";

/**
 * One turn of one project: observe → plan → execute → observe → route → report.
 * @returns `deleted` once nothing is left of a project that is to be deleted, and the control plane knows
 * @throws when something failed that another turn may mend
 */
export async function reconcile(context: TurnContext, input: TurnInput): Promise<"done" | "deleted"> {
  const { first, operations: planned } = await observeAndPlan(context, input);
  const { spec, rendering, tests, held } = first;
  const { projectId, namespace } = spec;
  const unannounced = await announce(context, input, first, planned);
  const operations =
    unannounced === null ? planned : await sparingRouted(context, namespace, first.seen, planned, held);
  const { execution, after, seen, groupLeft } = await act(context, first, operations);

  const ports = await portStep(context, spec, seen);
  if (ports.exchanged) readAnew(context, projectId);
  const needed = neededSnapshots(spec, rendering.project, after);
  const waiting = new Map<EnvironmentKind, unknown>(needed.map(({ kind }) => [kind, null]));
  const own = { projectId, name: spec.slug, namespace };
  const subnetError = await reallocateTakenSubnets(context, own, execution.failed, ({ internal }) =>
    internal ? "internal" : "egress",
  );
  const logs = await failureLogs(context, seen, held);
  const ofTurn = findingsOfTurn(context, first, input.turn);
  const findings = (
    environment: SeenEnvironment,
    { routeError, closed }: Pick<Findings, "routeError" | "closed">,
  ): Findings => ({
    ...ofTurn,
    ...findingsOfKind(context, first, environment.spec.kind),
    seen: environment,
    failures: execution.failed.filter(({ operation }) => concerns(operation, spec.status, environment)),
    logs,
    ...{ routeError, closed },
    groupLeft: groupLeft.has(environment.spec.kind),
    snapshot: waiting.has(environment.spec.kind) ? { error: waiting.get(environment.spec.kind) } : null,
    now: context.clock.now(),
  });

  // Of what its containers do: a release is undone for that, and not because a password is not set.
  const unrouted = { routeError: null, closed: null };
  const failures = failedMessages(seen.map((environment) => conditionsOf(findings(environment, unrouted))));
  const routeError = await routeProject(context, spec, seen, new Set(), failures, failures.deploy ?? null);
  const isGone = isEmpty(after) && groupLeft.size === 0;
  if (spec.status === "deleting" && isGone && execution.failed.length === 0 && routeError === null) {
    await context.controlPlane.confirmDeleted(projectId);
    context.log("deleted", { project: spec.slug, namespace });
    return "deleted";
  }

  const rollout = await tellRollout(context, spec, seen, failures.deploy ?? null).catch((error: unknown) => ({
    ...{ told: false, reverts: false, error },
  }));
  // What was live before is wanted again in a moment: then that is what there is to tell.
  const toldOf = seen.filter(({ spec: { kind } }) => kind !== "deploy" || !rollout.reverts);
  let isOther = rollout.told;
  const tell = async () => {
    const observations = toldOf.map((environment) =>
      conditionsOf(findings(environment, { routeError, closed: whyClosed(spec, environment) })),
    );
    const passed = await passWithoutTests(context, spec, seen, isRunning(observations, "test"));
    if (passed.error == null && passed.spec !== spec) context.again(projectId, 0);
    if (await report(context, spec, observations, input.awaited)) isOther = true;
    return passed.error;
  };
  const untold = await tell();
  comeBack(context, projectId, namespace, seen, tests.lookAgainInMs);
  if (isOther) readAnew(context, projectId);

  let snapshotError: unknown = null;
  // What is left of an earlier attempt has to be gone, and no starter may be there by half. What else failed is in no
  // snapshot's way.
  const isCleared = execution.failed.every(
    ({ operation }) => operation.environment !== null && operation.do !== "put missing starter",
  );
  if (rendering.project && isCleared) {
    const { project } = rendering;
    snapshotError = await takeSnapshots(context, spec, project, after, needed, async ({ kind }, error) => {
      waiting.set(kind, error);
      await tell();
    });
  }

  const problem =
    execution.failed[0]?.error ??
    routeError ??
    subnetError ??
    ports.error ??
    tests.error ??
    untold ??
    ("error" in rollout ? rollout.error : null) ??
    snapshotError ??
    // The routes may have been taken by now; what was left undone is for the next turn.
    (operations.length < planned.length ? unannounced : null);
  if (problem != null) throw problem instanceof Error ? problem : new Error(explain(problem));
  // What is still there though everything was done (a network that others just left) needs another look.
  if (spec.status === "deleting" && !isGone) throw new Error(`${spec.slug} is not gone yet.`);
  if (groupLeft.size > 0) throw new Error(`What ${spec.slug} shared with its group is not gone yet.`);
  return "done";
}

/**
 * What serves is taken away by a look of this moment only: where the engine hangs, the turn fails before the route is
 * withdrawn, and not after.
 */
async function observeAndPlan(
  context: TurnContext,
  input: TurnInput,
): Promise<{ first: FirstLook; operations: Operation[] }> {
  const first = await firstLook(context, input);
  const operations = await planTurn(context, first);
  if (!first.isKept || leavingIn(operations).size === 0) return { first, operations };
  const again = await firstLook(context, input);
  return { first: again, operations: await planTurn(context, again) };
}

async function planTurn(context: TurnContext, first: FirstLook): Promise<Operation[]> {
  const { spec, rendering, found, seen, missingImages, held, provided } = first;
  const ready = seen.flatMap(({ replicas }) => replicas.filter((replica) => replica.ready));
  return plan({
    ...{ spec, rendered: rendering.project, snapshot: found, missingImages, held },
    attempt: attemptName(context.random),
    answering: new Set(ready.map(({ name }) => name)),
    awaited: provided.silent,
    shared: provided.networks,
    fates: await fatesOfEarlier(context, spec, seen),
  });
}

/**
 * Before anything is done: nothing new is led to what is about to stop, and people are told what takes minutes.
 * @returns why the gateway did not take the routes, or null
 */
async function announce(
  context: TurnContext,
  { turn, awaited }: TurnInput,
  first: FirstLook,
  operations: readonly Operation[],
): Promise<unknown> {
  const { spec, seen } = first;
  const leaving = leavingIn(operations);
  const routeError = await routeProject(context, spec, seen, leaving, toldFailures(context, spec), null);
  const known = findingsOfTurn(context, first, turn);
  // Once the attempts are used up it is failed, also while another one is made.
  const fetching = turn.last
    ? []
    : whileFetching(seen, operations, known, (kind) => findingsOfKind(context, first, kind));
  await report(context, spec, fetching, awaited);
  return routeError;
}

/** Does what was planned, and looks again where something was done. */
async function act(
  context: TurnContext,
  { asked, spec, rendering, found, seen, provided }: FirstLook,
  operations: readonly Operation[],
): Promise<{
  execution: Execution;
  after: Snapshot;
  seen: SeenEnvironment[];
  groupLeft: ReadonlySet<EnvironmentKind>;
}> {
  const execution = await runOperations(context, spec, operations, found, () =>
    requireStillWanted(context, asked),
  );
  const released = await context.groups.release(groupContext(context), spec);
  execution.failed.unshift(...provided.failed, ...released.failed);
  const groupLeft = released.left;
  if (waitsForImages(rendering.project) && execution.failed.length === 0) context.again(spec.projectId, 0);
  if (operations.length === 0) return { execution, after: found, seen, groupLeft };
  const after = await look(context, spec.namespace);
  return { execution, after, seen: await ask(context, spec, rendering.project, after), groupLeft };
}

/** What is wanted of the project has changed by what this turn told the control plane. */
function readAnew({ expire, again }: TurnContext, projectId: string): void {
  expire(projectId);
  again(projectId, 0);
}

function isRunning(observations: readonly EnvironmentObservation[], kind: EnvironmentKind): boolean {
  return observations.some((observation) => observation.kind === kind && observation.phase === "running");
}
