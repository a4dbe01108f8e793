import type { Status } from "../../core/lifecycle.ts";
import type { Doc } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { refuse } from "./refuse.ts";

type Result = Doc<"requests">["result"];

/** What the request with this id answered before, or null where it is new. */
export async function answered(
  ctx: MutationCtx,
  project: Doc<"projects">,
  requestId: string | undefined,
  to: Status,
): Promise<Result | null> {
  if (requestId === undefined) return null;
  const row = await ctx.db
    .query("requests")
    .withIndex("by_project_and_request", (q) => q.eq("projectId", project._id).eq("requestId", requestId))
    .unique();
  if (row && row.to !== to) {
    refuse({
      code: "bad_request",
      message: `The requestId "${requestId}" was used before, to move ${project.slug} to ${row.to}.`,
      path: "requestId",
      hint: "Use a new id for each request, and the same only to repeat one.",
    });
  }
  return row?.result ?? null;
}

export async function remember(
  ctx: MutationCtx,
  project: Doc<"projects">,
  requestId: string | undefined,
  result: Result,
): Promise<void> {
  if (requestId === undefined) return;
  await ctx.db.insert("requests", { projectId: project._id, requestId, to: result.to, result });
}
