import { v, type Infer, type ObjectType } from "convex/values";
import { startOf } from "../../core/text.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { hostUsageFields, vFinding, vHostDrift, vHostError } from "./validators.ts";

/** What a worker tells of its host itself. */

const MOST_FINDINGS = 100;
const MOST_ERRORS = 10;
const MAX_TEXT = 1000;

export const vHostUsage = v.object(hostUsageFields);

export const hostReportFields = {
  usage: v.optional(vHostUsage),
  checks: v.optional(v.object({ at: v.number(), findings: v.array(vFinding) })),
  drift: v.optional(vHostDrift),
  /** The last ones, in place of those that were told before. */
  errors: v.optional(v.array(vHostError)),
};
type Report = ObjectType<typeof hostReportFields>;

/** Takes what is told; what is not told stays as it was. */
export async function takeHostReport(
  ctx: MutationCtx,
  hostId: Id<"hosts">,
  { usage, ...report }: Report,
): Promise<void> {
  if (usage) await takeUsage(ctx, hostId, usage);
  const told = Object.fromEntries(
    Object.entries(bounded(report)).filter(([, value]) => value !== undefined),
  ) as Omit<Report, "usage">;
  if (Object.keys(told).length === 0) return;
  const row = await hostReportOf(ctx, hostId);
  if (row) await ctx.db.patch("hostReports", row._id, told);
  else await ctx.db.insert("hostReports", { hostId, ...told });
}

async function takeUsage(ctx: MutationCtx, hostId: Id<"hosts">, usage: Infer<typeof vHostUsage>) {
  const row = await hostUsageOf(ctx, hostId);
  if (row) await ctx.db.replace("hostUsages", row._id, { hostId, ...usage });
  else await ctx.db.insert("hostUsages", { hostId, ...usage });
}

function bounded({ checks, drift, errors }: Omit<Report, "usage">): Omit<Report, "usage"> {
  const findings = checks?.findings.slice(0, MOST_FINDINGS).map(({ title, state, detail, fix }) => ({
    title: cut(title),
    state,
    detail: cut(detail),
    fix: fix === null ? null : cut(fix),
  }));
  return {
    checks: checks && { at: checks.at, findings: findings ?? [] },
    drift: drift && { ...drift, last: drift.last === null ? null : cut(drift.last) },
    errors: errors
      ?.map(({ at, message }) => ({ at, message: cut(message) }))
      .sort((one, other) => other.at - one.at)
      .slice(0, MOST_ERRORS),
  };
}

function cut(text: string): string {
  return startOf(text, MAX_TEXT);
}

export async function hostReportOf(ctx: QueryCtx, hostId: Id<"hosts">): Promise<Doc<"hostReports"> | null> {
  return await ctx.db
    .query("hostReports")
    .withIndex("by_host", (q) => q.eq("hostId", hostId))
    .unique();
}

export async function hostUsageOf(ctx: QueryCtx, hostId: Id<"hosts">): Promise<Doc<"hostUsages"> | null> {
  return await ctx.db
    .query("hostUsages")
    .withIndex("by_host", (q) => q.eq("hostId", hostId))
    .unique();
}
