import { v, type Infer } from "convex/values";
import { CODE_LIMITS } from "../../core/codeChunks.ts";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { refuse } from "./refuse.ts";
import { embeddingsEndpoint } from "./settings.ts";

/** A project's source, in pieces, in the project's own search namespace. Written by its worker. */

export const vChunk = v.object({ startLine: v.number(), endLine: v.number(), text: v.string() });
type Chunk = Infer<typeof vChunk>;

const MAX_FORGOTTEN = 20;

export async function indexFile(
  ctx: MutationCtx,
  project: Doc<"projects">,
  { path, hash, chunks }: { path: string; hash: string; chunks: Chunk[] },
): Promise<void> {
  checkFile(path, hash, chunks);
  const known = await fileOf(ctx, project._id, path);
  if (known?.hash === hash) return;
  if (known) {
    await dropChunks(ctx, project._id, path);
    await ctx.db.patch("codeFiles", known._id, { hash });
  } else {
    await count(ctx, project, 1);
    await ctx.db.insert("codeFiles", { projectId: project._id, path, hash });
  }
  for (const chunk of chunks) {
    const { startLine, endLine, text } = chunk;
    const { _id: projectId, namespace } = project;
    await ctx.db.insert("codeChunks", { projectId, namespace, path, startLine, endLine, text });
  }
  if (embeddingsEndpoint() && chunks.length > 0) {
    await ctx.scheduler.runAfter(0, internal.embeddings.embedFile, { projectId: project._id, path });
  }
}

function checkFile(path: string, hash: string, chunks: Chunk[]): void {
  const { pathLength, chunksOfFile, chunkLength } = CODE_LIMITS;
  if (path === "" || path.length > pathLength || hash.length > 128) {
    refuse({ code: "bad_request", message: `A path has 1 to ${pathLength} characters.`, path: "path" });
  }
  if (chunks.length > chunksOfFile || chunks.some((chunk) => chunk.text.length > chunkLength)) {
    refuse({
      code: "bad_request",
      message: `A file has at most ${chunksOfFile} chunks of at most ${chunkLength} characters.`,
      path: "chunks",
    });
  }
}

export async function forgetFiles(
  ctx: MutationCtx,
  project: Doc<"projects">,
  paths: string[],
): Promise<void> {
  if (paths.length > MAX_FORGOTTEN) {
    refuse({ code: "bad_request", message: `At most ${MAX_FORGOTTEN} files at a time.`, path: "paths" });
  }
  for (const path of paths) {
    const known = await fileOf(ctx, project._id, path);
    if (!known) continue;
    await dropChunks(ctx, project._id, path);
    await ctx.db.delete("codeFiles", known._id);
    await count(ctx, project, -1);
  }
}

/** The chunks of one file, in order. */
export async function chunksOf(
  ctx: QueryCtx,
  projectId: Id<"projects">,
  path: string,
): Promise<Doc<"codeChunks">[]> {
  return await ctx.db
    .query("codeChunks")
    .withIndex("by_project_and_path", (q) => q.eq("projectId", projectId).eq("path", path))
    .take(CODE_LIMITS.chunksOfFile);
}

async function dropChunks(ctx: MutationCtx, projectId: Id<"projects">, path: string): Promise<void> {
  for (const chunk of await chunksOf(ctx, projectId, path)) {
    const embedding = await ctx.db
      .query("codeEmbeddings")
      .withIndex("by_chunk", (q) => q.eq("chunkId", chunk._id))
      .unique();
    if (embedding) await ctx.db.delete("codeEmbeddings", embedding._id);
    await ctx.db.delete("codeChunks", chunk._id);
  }
}

async function fileOf(ctx: QueryCtx, projectId: Id<"projects">, path: string) {
  return await ctx.db
    .query("codeFiles")
    .withIndex("by_project_and_path", (q) => q.eq("projectId", projectId).eq("path", path))
    .unique();
}

async function count(ctx: MutationCtx, project: Doc<"projects">, change: 1 | -1): Promise<void> {
  const row = await ctx.db
    .query("codeCounts")
    .withIndex("by_project", (q) => q.eq("projectId", project._id))
    .unique();
  const files = (row?.files ?? 0) + change;
  if (files > CODE_LIMITS.files) {
    refuse({
      code: "bad_request",
      message: `${project.slug} has ${CODE_LIMITS.files} files in its index: no more are taken.`,
      hint: "Leave generated files out with .gitignore.",
    });
  }
  if (row) await ctx.db.patch("codeCounts", row._id, { files });
  else await ctx.db.insert("codeCounts", { projectId: project._id, files });
}

/** Removes a page of what a project that is gone had indexed. Returns whether there may be more. */
export async function eraseCode(ctx: MutationCtx, projectId: Id<"projects">, page: number): Promise<boolean> {
  const files = await ctx.db
    .query("codeFiles")
    .withIndex("by_project_and_path", (q) => q.eq("projectId", projectId))
    .take(page);
  for (const row of files) await ctx.db.delete("codeFiles", row._id);
  const chunks = await ctx.db
    .query("codeChunks")
    .withIndex("by_project_and_path", (q) => q.eq("projectId", projectId))
    .take(page);
  for (const row of chunks) await ctx.db.delete("codeChunks", row._id);
  const embeddings = await ctx.db
    .query("codeEmbeddings")
    .withIndex("by_project", (q) => q.eq("projectId", projectId))
    .take(page);
  for (const row of embeddings) await ctx.db.delete("codeEmbeddings", row._id);
  const counts = await ctx.db
    .query("codeCounts")
    .withIndex("by_project", (q) => q.eq("projectId", projectId))
    .take(1);
  for (const row of counts) await ctx.db.delete("codeCounts", row._id);
  return [files, chunks, embeddings].some((rows) => rows.length === page);
}
