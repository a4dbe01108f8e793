import { parseManifest, type Manifest } from "../../core/manifest.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { refuse, refusing } from "./refuse.ts";
import { storedManifest } from "./storedManifest.ts";

const DEFAULT_STACK = "node";
/** Well below Convex's 1 MiB for a document. */
const MAX_MANIFEST_BYTES = 256 * 1024;
/** How many hosts' stacks are looked at. */
const MAX_HOSTS = 200;

/** What `createProject` was given, as a checked manifest: `name` and `stack` go before what `manifest` says. */
export function manifestFrom(input: { name: string; stack?: string; manifest?: unknown }): Manifest {
  const { name, stack, manifest = {} } = input;
  if (manifest === null || typeof manifest !== "object" || Array.isArray(manifest)) {
    return refuse({
      code: "bad_manifest",
      message: "The manifest is refused: it is not a set of keys with values.",
      hint: "slipway project create --help shows one.",
    });
  }
  if (JSON.stringify(manifest).length > MAX_MANIFEST_BYTES) {
    return refuse({
      code: "bad_manifest",
      message: `The manifest is refused: it is larger than ${MAX_MANIFEST_BYTES / 1024} KiB.`,
      hint: "Keep data in the project's source, and variables short.",
    });
  }
  const own = manifest as Record<string, unknown>;
  const chosen = stack ?? own.stack ?? (own.services === undefined ? DEFAULT_STACK : undefined);
  return refusing(() => parseManifest({ ...own, name, ...(chosen === undefined ? {} : { stack: chosen }) }));
}

/** Refuses a stack that no registered host can run. With no host there is nobody to ask: the worker will tell. */
export async function refuseUnknownStacks(ctx: QueryCtx, manifest: Manifest): Promise<void> {
  const hosts = await ctx.db.query("hosts").take(MAX_HOSTS);
  const known = new Set(hosts.flatMap((host) => host.stacks));
  if (known.size === 0) return;
  const wanted = manifest.services
    ? Object.entries(manifest.services).map(([name, service]) => [`services.${name}.stack`, service.stack])
    : [["stack", manifest.stack]];
  for (const [path, stack] of wanted) {
    if (stack === undefined || known.has(stack)) continue;
    refuse({
      code: "bad_manifest",
      message: `The manifest is refused: ${path}: there is no stack "${stack}".`,
      path,
      allowed: [...known].sort(),
      hint: "Choose one of these, or give an image instead.",
    });
  }
}

export async function saveManifest(
  ctx: MutationCtx,
  projectId: Id<"projects">,
  manifest: Manifest,
): Promise<void> {
  await ctx.db.insert("manifests", { projectId, manifest });
}

export async function manifestRow(ctx: QueryCtx, project: Doc<"projects">): Promise<Doc<"manifests">> {
  const row = await ctx.db
    .query("manifests")
    .withIndex("by_project", (q) => q.eq("projectId", project._id))
    .unique();
  if (!row) throw new Error(`${project.namespace} has no manifest`);
  return row;
}

export async function manifestOf(ctx: QueryCtx, project: Doc<"projects">): Promise<Manifest> {
  return storedManifest(await manifestRow(ctx, project));
}
