import { v } from "convex/values";
import { isFolder, SOURCE_ARCHIVE_TYPE, SOURCE_LIMITS } from "../../core/source.ts";
import type { Manifest } from "../../core/manifest.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { environmentOf, touchEnvironments } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent, SYSTEM } from "./events.ts";
import { manifestOf } from "./manifests.ts";
import { refuse } from "./refuse.ts";

/**
 * A project's folder on its way into its dev workspace: the control plane waits for it, has it, and after dev first ran
 * with it has it no more. Git sources never come this way: the worker clones them.
 */

/** What the worker is told: where the archive is, and by what it is known to be whole. */
export const vSourceForWorker = v.union(
  v.object({ state: v.literal("ready"), url: v.string(), sha256: v.string(), bytes: v.number() }),
  v.object({ state: v.union(v.literal("waiting"), v.literal("used")) }),
);

const SHA256 = /^[0-9a-f]{64}$/;

/** Begins to wait for the folder of a project that was just made, where its manifest names one. */
export async function awaitSource(
  ctx: MutationCtx,
  projectId: Id<"projects">,
  manifest: Manifest,
): Promise<void> {
  if (manifest.source === undefined || !isFolder(manifest.source)) return;
  await ctx.db.insert("sources", { projectId, state: "waiting" });
}

/** An address that takes one archive, for a project that can still use one. */
export async function uploadUrl(ctx: MutationCtx, project: Doc<"projects">): Promise<string> {
  await requireUsable(ctx, project);
  return await ctx.storage.generateUploadUrl();
}

/** Takes an uploaded archive as the project's source, in place of one that was not used yet. */
export async function attach(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  archive: { storageId: string; sha256: string; bytes: number; files: number },
): Promise<void> {
  const row = await requireUsable(ctx, project);
  const { sha256, bytes, files } = archive;
  const storageId = ctx.db.system.normalizeId("_storage", archive.storageId);
  const stored = storageId && (await ctx.db.system.get("_storage", storageId));
  if (!stored || stored.contentType !== SOURCE_ARCHIVE_TYPE || (await isAttached(ctx, storageId))) {
    refuse({ code: "not_found", message: "There is no such upload of a source.", hint: UPLOAD(project) });
  }
  if (!SHA256.test(sha256) || stored.size !== bytes || !isDigest(stored.sha256, sha256)) {
    refuse({
      code: "bad_request",
      message: `What arrived of ${project.slug}'s source is not what was sent.`,
      hint: UPLOAD(project),
    });
  }
  if (bytes > SOURCE_LIMITS.archiveBytes) {
    refuse({ code: "too_much", message: `A packed source has at most ${SOURCE_LIMITS.archiveBytes} bytes.` });
  }
  if (row.storageId) await ctx.storage.delete(row.storageId);
  await ctx.db.replace("sources", row._id, {
    projectId: project._id,
    state: "ready",
    storageId,
    sha256,
    bytes,
    files,
  });
  await recordEvent(ctx, {
    type: "source.attached",
    actor,
    project,
    message: `The source of ${project.slug} arrived: ${files} files, ${bytes} bytes packed.`,
  });
  await touchEnvironments(ctx, project, ({ kind, desired }) => kind === "dev" && desired === "running");
}

export async function sourceForWorker(ctx: QueryCtx, project: Doc<"projects">) {
  const row = await sourceOf(ctx, project._id);
  if (row?.state !== "ready") return { state: row?.state ?? ("waiting" as const) };
  const { storageId, sha256, bytes } = row;
  const url = storageId && (await ctx.storage.getUrl(storageId));
  if (!url || sha256 === undefined || bytes === undefined) return { state: "waiting" as const };
  return { state: "ready" as const, url, sha256, bytes };
}

/** dev runs on the source: the files are the project's own from here on, and the copy of them here goes. */
export async function releaseUsed(ctx: MutationCtx, project: Doc<"projects">): Promise<void> {
  const row = await sourceOf(ctx, project._id);
  if (row?.state !== "ready") return;
  if (row.storageId) await ctx.storage.delete(row.storageId);
  await ctx.db.replace("sources", row._id, { projectId: project._id, state: "used" });
  await recordEvent(ctx, {
    type: "source.released",
    actor: SYSTEM,
    project,
    message: `The source of ${project.slug} is in its workspace; the uploaded copy is gone.`,
  });
}

export async function eraseSource(ctx: MutationCtx, projectId: Id<"projects">): Promise<void> {
  const row = await sourceOf(ctx, projectId);
  if (!row) return;
  if (row.storageId) await ctx.storage.delete(row.storageId);
  await ctx.db.delete("sources", row._id);
}

/**
 * Removes uploads of sources that nobody attached, made before `before` (ms since 1970), at most `page` of them looked at.
 * @returns from when to go on, or null at the end
 */
export async function pruneUploads(
  ctx: MutationCtx,
  { after, before, page }: { after: number; before: number; page: number },
): Promise<number | null> {
  const rows = await ctx.db.system
    .query("_storage")
    .withIndex("by_creation_time", (q) => q.gt("_creationTime", after).lt("_creationTime", before))
    .take(page);
  for (const file of rows) {
    // What others store carries another type, and is none of this module's business.
    if (file.contentType !== SOURCE_ARCHIVE_TYPE || (await isAttached(ctx, file._id))) continue;
    await ctx.storage.delete(file._id);
  }
  return rows.length === page ? rows[rows.length - 1]!._creationTime : null;
}

async function requireUsable(ctx: MutationCtx, project: Doc<"projects">): Promise<Doc<"sources">> {
  const manifest = await manifestOf(ctx, project);
  // The manifest may have come to name a folder after the project was made.
  if (!(await sourceOf(ctx, project._id))) await awaitSource(ctx, project._id, manifest);
  const row = await sourceOf(ctx, project._id);
  if (!row) {
    const { source } = manifest;
    return refuse({
      code: "bad_request",
      message: `${project.slug} takes no folder: its source is ${source === undefined ? "its stacks' starters" : "a repository"}.`,
      hint: `Change its files instead: slipway files sync ${project.slug} <folder>`,
    });
  }
  // A used source may be given again once nothing of the workspace is left: until then it would change nothing.
  const dev = await environmentOf(ctx, project._id, "dev");
  if (row.state === "used" && dev.desired !== "absent") {
    return refuse({
      code: "status_changed",
      message: `${project.slug} has its source already: the files in its workspace are its own.`,
      hint: `Change them instead: slipway files sync ${project.slug} <folder>`,
    });
  }
  return row;
}

async function sourceOf(ctx: QueryCtx, projectId: Id<"projects">): Promise<Doc<"sources"> | null> {
  return await ctx.db
    .query("sources")
    .withIndex("by_project", (q) => q.eq("projectId", projectId))
    .unique();
}

async function isAttached(ctx: QueryCtx, storageId: Id<"_storage">): Promise<boolean> {
  const row = await ctx.db
    .query("sources")
    .withIndex("by_storage", (q) => q.eq("storageId", storageId))
    .first();
  return row !== null;
}

/** Deployments show a file's digest in hex or in base64. */
function isDigest(shown: string, hex: string): boolean {
  if (shown.toLowerCase() === hex) return true;
  const bytes = hex.match(/../g)!.map((pair) => parseInt(pair, 16));
  return shown === btoa(String.fromCharCode(...bytes));
}

const UPLOAD = ({ slug }: { slug: string }) => `Upload it again: slipway project source ${slug} <folder>`;
