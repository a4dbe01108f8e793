import type { Doc } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";

/** The most rows that one inbox query reads; the rest follow as these are dealt with. */
const MAX_INBOX = 200;

/** What needs work on a host, oldest first. Reads only rows that need work: idle projects have none. */
export async function readInbox(ctx: QueryCtx, host: Doc<"hosts">) {
  const rows = await ctx.db
    .query("inbox")
    .withIndex("by_host", (q) => q.eq("hostId", host._id))
    .take(MAX_INBOX);
  return rows.map(({ projectId, kind, generation }) => ({ projectId, kind, generation }));
}

/** Tells the project's worker that `environment` is at a new generation. A row already there keeps its place. */
export async function putInInbox(
  ctx: MutationCtx,
  project: Doc<"projects">,
  environment: Pick<Doc<"environments">, "kind" | "generation">,
): Promise<void> {
  if (project.hostId === undefined) return;
  const { kind, generation } = environment;
  const row = await inboxRow(ctx, project, kind);
  if (row) await ctx.db.patch("inbox", row._id, { generation });
  else {
    await ctx.db.insert("inbox", { hostId: project.hostId, projectId: project._id, kind, generation });
  }
}

/**
 * Tells the project's worker where no environment is to be another than before, but what its addresses answer is.
 * @param project with its new generation
 */
export async function tellOfAnswers(
  ctx: MutationCtx,
  project: Doc<"projects">,
  environments: readonly Doc<"environments">[],
): Promise<void> {
  const deploy = environments.find(({ kind }) => kind === "deploy");
  if (project.hostId === undefined || !deploy) return;
  const { generation } = project;
  await ctx.db.patch("environments", deploy._id, { generation });
  await putInInbox(ctx, project, { kind: "deploy", generation });
}

export async function dropFromInbox(
  ctx: MutationCtx,
  project: Doc<"projects">,
  kind: Doc<"inbox">["kind"],
): Promise<void> {
  const row = await inboxRow(ctx, project, kind);
  if (row) await ctx.db.delete("inbox", row._id);
}

async function inboxRow(ctx: MutationCtx, project: Doc<"projects">, kind: Doc<"inbox">["kind"]) {
  return await ctx.db
    .query("inbox")
    .withIndex("by_project_and_kind", (q) => q.eq("projectId", project._id).eq("kind", kind))
    .unique();
}
