import type { Infer } from "convex/values";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import { startOf } from "../../core/text.ts";
import type { Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { refuse } from "./refuse.ts";
import type { vLogLine } from "./validators.ts";

/** The last lines of each environment, in a ring of chunks. The whole log stays with Docker, on the host. */

type LogLine = Infer<typeof vLogLine>;

const MAX_LINES = 200;
/** Longer lines are cut: a chunk stays well below Convex's 1 MiB for a document. */
const MAX_LINE_LENGTH = 2000;
const KEPT_CHUNKS = 50;

export async function appendLogs(
  ctx: MutationCtx,
  projectId: Id<"projects">,
  kind: EnvironmentKind,
  lines: LogLine[],
): Promise<void> {
  if (lines.length === 0) return;
  if (lines.length > MAX_LINES) {
    refuse({ code: "bad_request", message: `At most ${MAX_LINES} lines at a time.`, path: "lines" });
  }
  const [last] = await newest(ctx, projectId, kind, 1);
  const sequence = (last?.sequence ?? 0) + 1;
  const cut = lines.map((line) => ({ ...line, text: startOf(line.text, MAX_LINE_LENGTH) }));
  await ctx.db.insert("logChunks", { projectId, kind, sequence, lines: cut });
  const oldest = await ctx.db
    .query("logChunks")
    .withIndex("by_environment_and_sequence", (q) =>
      q
        .eq("projectId", projectId)
        .eq("kind", kind)
        .lte("sequence", sequence - KEPT_CHUNKS),
    )
    .take(KEPT_CHUNKS);
  for (const row of oldest) await ctx.db.delete("logChunks", row._id);
}

/** The last `limit` lines that were kept, of one service or of all, oldest first. */
export async function tailLogs(
  ctx: QueryCtx,
  projectId: Id<"projects">,
  kind: EnvironmentKind,
  { service, limit }: { service?: string; limit: number },
): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for (const chunk of await newest(ctx, projectId, kind, KEPT_CHUNKS)) {
    if (lines.length >= limit) break;
    lines.unshift(...chunk.lines.filter((line) => service === undefined || line.service === service));
  }
  return lines.slice(-limit);
}

async function newest(ctx: QueryCtx, projectId: Id<"projects">, kind: EnvironmentKind, count: number) {
  return await ctx.db
    .query("logChunks")
    .withIndex("by_environment_and_sequence", (q) => q.eq("projectId", projectId).eq("kind", kind))
    .order("desc")
    .take(count);
}
