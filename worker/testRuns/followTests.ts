import { manifestOf, type ProjectSpec } from "../../core/projectSpec.ts";
import {
  MAX_TEST_OUTPUT_BYTES,
  tailOfBytes,
  type TestResult,
  type TestVerdict,
} from "../../core/releases.ts";
import { parseDuration } from "../../core/units.ts";
import type { Clock } from "../clock.ts";
import type { ControlPlane } from "../controlPlane.ts";
import type { Engine } from "../engine/engine.ts";
import type { Log } from "../log.ts";
import type { SeenEnvironment, SeenReplica } from "../seen.ts";
import { judgeTests, type Judgement, type TestRun } from "./judgeTests.ts";

/** Lines that are asked for of a log, to have the bytes that are kept. */
const OUTPUT_LINES = 5_000;
const GRACE_MS = 10_000;

export type FollowContext = {
  engine: Pick<Engine, "lastRun" | "stopContainer" | "tailLogs">;
  controlPlane: Pick<ControlPlane, "reportTest">;
  clock: Clock;
  log: Log;
  /** What was last read of a project has changed by what this worker reported. */
  expire(projectId: string): void;
};

export type Followed = {
  /** With the result that was just told. */
  spec: ProjectSpec;
  /** When the tests that run reach their time limit; null where none do. */
  lookAgainInMs: number | null;
  /** Why the result could not be told; it is told again at the next turn. */
  error: unknown;
};

/** Stops tests that are past their time limit, and tells how they ended, once for each release. */
export async function followTests(
  context: FollowContext,
  spec: ProjectSpec,
  seen: readonly SeenEnvironment[],
): Promise<Followed> {
  const nothing: Followed = { spec, lookAgainInMs: null, error: null };
  const test = untested(seen);
  const jobs = test?.replicas.filter(({ service }) => service.job) ?? [];
  if (!test || jobs.length === 0) return nothing;
  try {
    const judgement = await judge(context, jobs, timeoutOf(spec, test));
    if (judgement.is === "running") return { ...nothing, lookAgainInMs: judgement.overdueInMs };
    if (judgement.is !== "ended") return nothing;
    const output = await outputOf(context, jobs, judgement.verdict);
    return { ...nothing, spec: await tell(context, spec, test, { ...judgement.verdict, output }) };
  } catch (error) {
    context.log("tests-not-followed", { project: spec.slug, error });
    return { ...nothing, error };
  }
}

/** A release without tests has passed once its test environment is up and healthy. */
export async function passWithoutTests(
  context: FollowContext,
  spec: ProjectSpec,
  seen: readonly SeenEnvironment[],
  isRunning: boolean,
): Promise<Followed> {
  const nothing: Followed = { spec, lookAgainInMs: null, error: null };
  const test = untested(seen);
  if (!test || !isRunning || test.replicas.some(({ service }) => service.job)) return nothing;
  try {
    const result = { exitCode: 0, timedOut: false, durationMs: 0, output: "", services: [] };
    return { ...nothing, spec: await tell(context, spec, test, result) };
  } catch (error) {
    return { ...nothing, error };
  }
}

/** The test environment of a release that has a snapshot and no result. */
function untested(seen: readonly SeenEnvironment[]): SeenEnvironment | undefined {
  return seen.find(
    ({ spec: { kind, desired, release }, rendered }) =>
      kind === "test" &&
      desired === "running" &&
      rendered !== null &&
      release != null &&
      release.snapshot !== null &&
      release.result === null,
  );
}

function timeoutOf(spec: ProjectSpec, { spec: environment }: SeenEnvironment): number {
  return parseDuration(manifestOf(spec, environment).environments.test.timeout)!;
}

async function judge(
  { engine, clock, log }: FollowContext,
  jobs: readonly SeenReplica[],
  timeoutMs: number,
): Promise<Judgement> {
  const look = async () =>
    judgeTests(
      await Promise.all(
        jobs.map(async ({ name, service, replica, container }): Promise<TestRun> => {
          const run = container === null ? null : await engine.lastRun(container.id);
          return { name, service: service.service, replica, run };
        }),
      ),
      timeoutMs,
      clock.now(),
    );
  const judgement = await look();
  if (judgement.is !== "overdue") return judgement;
  for (const { name, container } of jobs) {
    if (container === null || !judgement.names.includes(name)) continue;
    log("tests-overdue", { name, timeoutMs });
    await engine.stopContainer({ name, id: container.id }, GRACE_MS);
  }
  return await look();
}

/** What the tests wrote last, each service's share under its name where there are several. */
async function outputOf(
  { engine }: FollowContext,
  jobs: readonly SeenReplica[],
  { timedOut, services, durationMs }: TestVerdict,
): Promise<string> {
  const share = Math.floor(MAX_TEST_OUTPUT_BYTES / jobs.length) - 200;
  const parts: string[] = [];
  for (const [index, { name, service, replica, container }] of jobs.entries()) {
    const written = tailOfBytes(await engine.tailLogs(container?.id ?? name, OUTPUT_LINES), share);
    const run = await engine.lastRun(container?.id ?? name);
    const title =
      jobs.length > 1
        ? [`── ${service.service} ${replica}, exit code ${services[index]?.exitCode ?? "unknown"}`]
        : [];
    const memory = run?.outOfMemory ? ["slipway: it ran out of its memory limit"] : [];
    parts.push([...title, written.trimEnd(), ...memory].filter((line) => line !== "").join("\n"));
  }
  if (timedOut) parts.push(`slipway: stopped at the time limit, after ${Math.round(durationMs / 1000)} s`);
  return tailOfBytes(parts.join("\n"), MAX_TEST_OUTPUT_BYTES);
}

async function tell(
  { controlPlane, log, expire }: FollowContext,
  spec: ProjectSpec,
  { spec: environment }: SeenEnvironment,
  result: TestResult,
): Promise<ProjectSpec> {
  const { releaseId, number } = environment.release!;
  await controlPlane.reportTest(spec.projectId, releaseId, result);
  const { exitCode, timedOut, durationMs, services } = result;
  log("tests-ended", { project: spec.slug, release: number, exitCode, timedOut, durationMs });
  expire(spec.projectId);
  const known = { exitCode, timedOut, durationMs, services };
  return {
    ...spec,
    environments: spec.environments.map((one) =>
      one.release?.releaseId === releaseId ? { ...one, release: { ...one.release, result: known } } : one,
    ),
  };
}
