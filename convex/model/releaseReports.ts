import type { Infer } from "convex/values";
import { v } from "convex/values";
import {
  describeResult,
  hasPassed,
  MAX_TEST_OUTPUT_BYTES,
  SNAPSHOT_HASH,
  tailOfBytes,
} from "../../core/releases.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { outputRow } from "./releases.ts";
import { refuse } from "./refuse.ts";
import { testVerdictFields } from "./validators.ts";

/** What a worker reports of a release: the content that it took, and how its tests ended. Each counts once. */

/** Sixteen services of sixteen replicas. */
const MAX_SERVICES = 256;
const MAX_EXIT_CODE = 255;
/** A week: far above every time limit. */
const MAX_DURATION_MS = 7 * 86_400_000;
const MAX_NAME = 64;

export const vTestResult = v.object({ ...testVerdictFields, output: v.string() });

/** The snapshot that was taken for a release. The same again changes nothing; another one is refused. */
export async function takeSnapshotReport(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  releaseId: string,
  taken: { snapshot: string; files: number; bytes: number },
): Promise<void> {
  const release = await requireRelease(ctx, project, releaseId);
  const { snapshot, files, bytes } = taken;
  if (!SNAPSHOT_HASH.test(snapshot)) malformed("snapshot", "64 hex digits");
  if (!isCount(files, Number.MAX_SAFE_INTEGER)) malformed("files", "a whole number, 0 or more");
  if (!isCount(bytes, Number.MAX_SAFE_INTEGER)) malformed("bytes", "a whole number, 0 or more");
  if (release.snapshot === snapshot) return;
  if (release.snapshot !== undefined) {
    refuse({
      code: "status_changed",
      message: `${project.slug} release ${release.number} is ${release.snapshot} already: it cannot become another.`,
      hint: "Read the project again.",
    });
  }
  // It was given up meanwhile.
  if (release.state === "failed") return;
  const tested = release.state === "building";
  await ctx.db.patch("releases", release._id, {
    ...taken,
    ...(tested ? { state: "testing" as const, message: "its tests run" } : {}),
  });
  await recordEvent(ctx, {
    type: "release.snapshot",
    actor,
    project,
    environment: tested ? "test" : "deploy",
    from: release.state,
    to: tested ? "testing" : release.state,
    message: `${project.slug} release ${release.number} is the snapshot ${snapshot.slice(0, 16)}: ${files} files, ${bytes} bytes.`,
  });
}

/** How the tests of a release ended. The first result stands. */
export async function takeTestReport(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  releaseId: string,
  { output, ...verdict }: Infer<typeof vTestResult>,
): Promise<void> {
  const release = await requireRelease(ctx, project, releaseId);
  requireBounded(verdict);
  if (release.state === "building") {
    refuse({
      code: "status_changed",
      message: `${project.slug} release ${release.number} has no snapshot yet: nothing can have been tested.`,
      hint: "Report the snapshot first.",
    });
  }
  // It has its result, was given up meanwhile, or is never tested.
  if (release.state !== "testing") return;
  const kept = tailOfBytes(output, MAX_TEST_OUTPUT_BYTES);
  const state = hasPassed(verdict) ? ("passed" as const) : ("failed" as const);
  const message = describeResult({ ...verdict, output: kept });
  await ctx.db.patch("releases", release._id, { state, message, result: verdict, testedAt: Date.now() });
  if (!(await outputRow(ctx, release._id))) {
    await ctx.db.insert("releaseOutputs", {
      projectId: project._id,
      releaseId: release._id,
      output: kept,
    });
  }
  await recordEvent(ctx, {
    type: "release.tested",
    actor,
    project,
    environment: "test",
    from: release.state,
    to: state,
    message: `${project.slug} release ${release.number}: ${message}`,
  });
}

async function requireRelease(
  ctx: MutationCtx,
  project: Doc<"projects">,
  releaseId: string,
): Promise<Doc<"releases">> {
  const id = ctx.db.normalizeId("releases", releaseId);
  const release = id && (await ctx.db.get("releases", id));
  if (release?.projectId === project._id) return release;
  return refuse({
    code: "not_found",
    message: `${project.slug} has no release "${releaseId.slice(0, 100)}".`,
    hint: "Read the project again.",
  });
}

function requireBounded({ exitCode, durationMs, services }: Omit<Infer<typeof vTestResult>, "output">): void {
  if (!isCount(exitCode, MAX_EXIT_CODE)) malformed("result.exitCode", "0 to 255");
  if (!isCount(durationMs, MAX_DURATION_MS)) malformed("result.durationMs", "milliseconds, at most a week");
  if (services.length > MAX_SERVICES) malformed("result.services", `at most ${MAX_SERVICES}`);
  for (const { service, replica, ...one } of services) {
    if (service.length > MAX_NAME || !isCount(replica, MAX_SERVICES)) {
      malformed("result.services", "names of at most 64 characters, replicas from 1 on");
    }
    if (!isCount(one.exitCode, MAX_EXIT_CODE)) malformed("result.services", "exit codes of 0 to 255");
    if (!isCount(one.durationMs, MAX_DURATION_MS)) malformed("result.services", "at most a week of time");
  }
}

function isCount(value: number, most: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= most;
}

function malformed(path: string, allowed: string): never {
  return refuse({ code: "bad_request", message: `${path}: expected ${allowed}.`, path });
}
