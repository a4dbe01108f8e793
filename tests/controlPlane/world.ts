import { api } from "../../convex/_generated/api.js";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { EnvironmentObservation, Phase } from "../../core/projectSpec.ts";
import type { TestResult } from "../../core/releases.ts";
import { ADMIN, WORKER, type Driver } from "./driver.ts";

/** People and a well-behaved worker, as the control plane sees them: what the suites are told in. */

export type HostLease = { hostId: string; epoch: number };

export async function registerHost(
  driver: Driver,
  options: { name?: string; cpus?: number; memoryBytes?: number; stacks?: string[] } = {},
): Promise<HostLease & { leaseMs: number }> {
  return await driver.as(WORKER).mutation(api.worker.register, {
    name: "host-1",
    instanceId: "abcd1234",
    version: "0.1.0",
    engineVersion: "28.0.0",
    cpus: 64,
    memoryBytes: 256 * 1024 ** 3,
    ...options,
  });
}

export async function createProject(driver: Driver, name: string, manifest?: Record<string, unknown>) {
  return await driver.as(ADMIN).mutation(api.projects.createProject, { name, manifest });
}

export async function move(driver: Driver, project: string, ...path: string[]): Promise<void> {
  for (const to of path) {
    await driver.as(ADMIN).mutation(api.projects.updateProjectStatus, {
      project,
      to,
      override: true,
      reason: "the test wants it there",
    });
  }
}

export async function show(driver: Driver, project: string) {
  const view = await driver.as(ADMIN).query(api.projects.getProject, { project });
  if (!view) throw new Error(`there is no project ${project}`);
  return view;
}

export async function environment(driver: Driver, project: string, kind: EnvironmentKind) {
  const found = (await show(driver, project)).environments.find((row) => row.kind === kind);
  if (!found) throw new Error(`${project} has no environment ${kind}`);
  return found;
}

/** What a worker reports of an environment in `phase`; running ones are healthy. */
export function observed(
  kind: EnvironmentKind,
  observedGeneration: number,
  phase: Phase,
): EnvironmentObservation {
  const status = phase === "running" ? "true" : "false";
  const reason = phase === "running" ? "Passed" : "NotRunning";
  return {
    kind,
    observedGeneration,
    phase,
    conditions: [{ type: "Healthy", status, reason, message: "", changedAt: 0 }],
    services: [],
    endpoints: [],
    message: phase === "failed" ? "the image is missing" : "",
  };
}

/** Does what a worker does until its inbox is empty: brings everything to what is desired, and confirms deletions. */
export async function obey(driver: Driver, { hostId, epoch }: HostLease): Promise<void> {
  const worker = driver.as(WORKER);
  for (;;) {
    const inbox = await worker.query(api.worker.inbox, { hostId });
    if (inbox.length === 0) return;
    for (const projectId of new Set(inbox.map((row) => row.projectId))) {
      const spec = await worker.query(api.worker.project, { hostId, projectId });
      if (!spec) continue;
      const environments = spec.environments.map((row) => observed(row.kind, row.generation, row.desired));
      await worker.mutation(api.worker.report, { hostId, epoch, projectId, environments });
      if (spec.status === "deleting") {
        await worker.mutation(api.worker.confirmDeleted, { hostId, epoch, projectId });
      }
    }
  }
}

/** Every event that the log has, oldest first. */
export async function allEvents(driver: Driver, project?: string) {
  const events = [];
  let cursor: string | null = null;
  for (;;) {
    const page: Awaited<ReturnType<typeof eventPage>> = await eventPage(driver, project, cursor);
    events.push(...page.page);
    if (page.isDone) return events.reverse();
    cursor = page.continueCursor;
  }
}

async function eventPage(driver: Driver, project: string | undefined, cursor: string | null) {
  const paginationOpts = { numItems: 100, cursor };
  return await driver.as(ADMIN).query(api.events.listEvents, { project, paginationOpts });
}

export const SNAPSHOT = "5".repeat(64);

/** How tests end, as a worker reports it: well, where nothing else is said. */
export function testResult(more: Partial<TestResult> = {}): TestResult {
  const exitCode = more.exitCode ?? 0;
  return {
    exitCode,
    timedOut: false,
    durationMs: 3_200,
    output: "1 test passed",
    services: [{ service: "app", replica: 1, exitCode, durationMs: 3_200 }],
    ...more,
  };
}

/** The release of a project's test environment, as its worker is told of it. */
export async function wantedRelease(
  driver: Driver,
  { hostId }: HostLease,
  project: string,
  kind: EnvironmentKind = "test",
) {
  const { projectId } = await show(driver, project);
  const spec = await driver.as(WORKER).query(api.worker.project, { hostId, projectId });
  const release = spec?.environments.find((row) => row.kind === kind)?.release;
  return release && { projectId, ...release };
}

/** Moves a project to testing, and does as its worker: takes the snapshot, tells how the tests ended. */
export async function testedRelease(
  driver: Driver,
  { hostId, epoch }: HostLease,
  project: string,
  result: Partial<TestResult> = {},
  snapshot = SNAPSHOT,
): Promise<{ releaseId: string; snapshot: string }> {
  await move(driver, project, "testing");
  const wanted = await wantedRelease(driver, { hostId, epoch }, project);
  if (!wanted) throw new Error(`${project} has no release to test`);
  const { projectId, releaseId } = wanted;
  const call = { hostId, epoch, projectId, releaseId };
  const worker = driver.as(WORKER);
  await worker.mutation(api.worker.reportSnapshot, { ...call, snapshot, files: 1, bytes: 6 });
  await worker.mutation(api.worker.reportTest, { ...call, result: testResult(result) });
  return { releaseId, snapshot };
}
