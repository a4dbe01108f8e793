import { RESERVED_VARIABLE, VARIABLE_NAME } from "../../core/manifest.ts";
import { readSeal } from "../../core/sealing.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import { touchEnvironments } from "./environments.ts";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { refuse } from "./refuse.ts";

/** Secrets are kept sealed. Nothing here can open one, and no error, event or view says more than its name. */

const MAX_SECRETS = 64;

export async function secretsOf(ctx: QueryCtx, projectId: Id<"projects">): Promise<Doc<"secrets">[]> {
  return await ctx.db
    .query("secrets")
    .withIndex("by_project_and_name", (q) => q.eq("projectId", projectId))
    .take(MAX_SECRETS);
}

export async function setSecret(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  { name, sealed }: { name: string; sealed: string },
): Promise<void> {
  if (!VARIABLE_NAME.test(name) || RESERVED_VARIABLE.test(name)) {
    refuse({
      code: "bad_request",
      message: "A secret's name is a variable's: letters, digits and _, and none that Slipway sets itself.",
      path: "name",
    });
  }
  const seal = readSeal(sealed);
  if (!seal || seal.namespace !== project.namespace || seal.name !== name) {
    refuse({
      code: "bad_request",
      message: `This is not the secret ${name} of ${project.slug}, sealed for its worker.`,
      path: "sealed",
      hint: `Use the command line, which seals it: slipway secret set ${project.slug} ${name}`,
    });
  }
  const known = await secretOf(ctx, project._id, name);
  const fields = { projectId: project._id, name, sealed, setAt: Date.now(), setBy: actor.subject };
  if (known) await ctx.db.replace("secrets", known._id, fields);
  else {
    if ((await secretsOf(ctx, project._id)).length >= MAX_SECRETS) {
      refuse({ code: "bad_request", message: `A project has at most ${MAX_SECRETS} secrets.`, path: "name" });
    }
    await ctx.db.insert("secrets", fields);
  }
  await announce(ctx, actor, project, "secret.set", `${name} of ${project.slug} was set.`);
}

export async function removeSecret(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  name: string,
): Promise<void> {
  const known = await secretOf(ctx, project._id, name);
  if (!known) {
    refuse({
      code: "not_found",
      message: `${project.slug} has no secret "${name.slice(0, 64)}".`,
      hint: `slipway secret list ${project.slug} shows their names.`,
    });
  }
  await ctx.db.delete("secrets", known._id);
  await announce(ctx, actor, project, "secret.removed", `${name} of ${project.slug} was removed.`);
}

export async function eraseSecrets(ctx: MutationCtx, project: Doc<"projects">): Promise<void> {
  for (const row of await secretsOf(ctx, project._id)) await ctx.db.delete("secrets", row._id);
}

async function secretOf(ctx: QueryCtx, projectId: Id<"projects">, name: string) {
  return await ctx.db
    .query("secrets")
    .withIndex("by_project_and_name", (q) => q.eq("projectId", projectId).eq("name", name))
    .unique();
}

/** A changed secret is a changed environment: its worker restarts what uses it. */
async function announce(
  ctx: MutationCtx,
  actor: Actor,
  project: Doc<"projects">,
  type: "secret.set" | "secret.removed",
  message: string,
): Promise<void> {
  await recordEvent(ctx, { type, actor, project, message });
  await touchEnvironments(ctx, project, (row) => row.desired !== "absent");
}
