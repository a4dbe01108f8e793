import { verbsOf } from "../../core/access.ts";
import { AGENT_NAMES } from "../../core/lifecycle.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";

export async function agentsOf(ctx: QueryCtx, projectId: Id<"projects">): Promise<Doc<"agents">[]> {
  return await ctx.db
    .query("agents")
    .withIndex("by_project_and_name", (q) => q.eq("projectId", projectId))
    .take(AGENT_NAMES.length);
}

/** Makes the project's agents where it has none yet, each with the verbs that its work needs. */
export async function ensureAgents(ctx: MutationCtx, actor: Actor, project: Doc<"projects">): Promise<void> {
  if ((await agentsOf(ctx, project._id)).length > 0) return;
  for (const name of AGENT_NAMES) {
    await ctx.db.insert("agents", { projectId: project._id, name, verbs: verbsOf(name) });
  }
  await recordEvent(ctx, {
    type: "agents.made",
    actor,
    project,
    message: `${project.slug} has its agents: ${AGENT_NAMES.join(", ")}.`,
  });
}

export async function eraseAgents(ctx: MutationCtx, project: Doc<"projects">): Promise<void> {
  for (const row of await agentsOf(ctx, project._id)) await ctx.db.delete("agents", row._id);
}
