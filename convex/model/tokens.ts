import { VERBS } from "../../core/access.ts";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx, QueryCtx } from "../_generated/server";
import type { Actor } from "./events.ts";
import { recordEvent } from "./events.ts";
import { refuse } from "./refuse.ts";

/**
 * Tokens are signed outside, with a key that is not here; what is kept is what each may do, so that it can be listed
 * and revoked. A token that was never registered counts by its signature alone until its id is revoked.
 */

export type Registration = Pick<
  Doc<"tokens">,
  "tokenId" | "role" | "subject" | "projectId" | "verbs" | "note" | "expiresAt"
>;

const TOKEN_ID = /^[A-Za-z0-9_-]{8,64}$/;

export async function isRevoked(ctx: QueryCtx, tokenId: string): Promise<boolean> {
  return (await tokenOf(ctx, tokenId))?.revokedAt !== undefined;
}

/** When a token ends by itself, in ms since 1970; null where it was never registered. */
export async function expiryOf(ctx: QueryCtx, tokenId: string): Promise<number | null> {
  return (await tokenOf(ctx, tokenId))?.expiresAt ?? null;
}

async function tokenOf(ctx: QueryCtx, tokenId: string): Promise<Doc<"tokens"> | null> {
  return await ctx.db
    .query("tokens")
    .withIndex("by_token_id", (q) => q.eq("tokenId", tokenId))
    .unique();
}

export async function registerToken(
  ctx: MutationCtx,
  actor: Actor,
  registration: Registration,
): Promise<Id<"tokens">> {
  checkRegistration(registration);
  if (await tokenOf(ctx, registration.tokenId)) {
    refuse({ code: "bad_request", message: "A token with this id is registered already.", path: "tokenId" });
  }
  const id = await ctx.db.insert("tokens", {
    ...registration,
    issuedBy: actor.subject,
    issuedAt: Date.now(),
  });
  await recordEvent(ctx, {
    type: "token.issued",
    actor,
    project: await namesOf(ctx, registration.projectId),
    to: registration.tokenId,
    message: `A token of the role ${registration.role} was made for ${registration.subject}.`,
  });
  return id;
}

function checkRegistration({ tokenId, role, projectId, verbs, expiresAt, note }: Registration): void {
  if (!TOKEN_ID.test(tokenId)) {
    refuse({
      code: "bad_request",
      message: "A token's id has 8 to 64 letters, digits, - and _.",
      path: "tokenId",
    });
  }
  if (role === "agent" && projectId === undefined) {
    refuse({ code: "bad_request", message: "An agent's token is for one project.", path: "project" });
  }
  const unknown = verbs?.find((verb) => !(VERBS as readonly string[]).includes(verb));
  if (unknown !== undefined) {
    refuse({
      code: "bad_request",
      message: `There is no verb "${unknown.slice(0, 40)}".`,
      path: "verbs",
      allowed: [...VERBS],
    });
  }
  if (expiresAt <= Date.now()) {
    refuse({ code: "bad_request", message: "This token has ended already.", path: "expiresAt" });
  }
  if ((note?.length ?? 0) > 200) {
    refuse({ code: "bad_request", message: "A note has at most 200 characters.", path: "note" });
  }
}

/** Refuses a caller of one project what is not that project's token. */
export async function requireVisibleToken(
  ctx: QueryCtx,
  { scope }: { scope: Id<"projects"> | "all" | "none" },
  tokenId: string,
): Promise<void> {
  if (scope !== "all" && (await tokenOf(ctx, tokenId))?.projectId !== scope) noSuchToken(tokenId);
}

function noSuchToken(tokenId: string): never {
  return refuse({
    code: "not_found",
    message: `There is no token "${tokenId.slice(0, 64)}".`,
    hint: "slipway token list shows them.",
  });
}

/** Ends a token now. One that was never registered can be revoked too: whoever holds it, it is worth nothing. */
export async function revokeToken(ctx: MutationCtx, actor: Actor, tokenId: string): Promise<void> {
  if (!TOKEN_ID.test(tokenId)) noSuchToken(tokenId);
  const known = await tokenOf(ctx, tokenId);
  if (known?.revokedAt !== undefined) return;
  if (known) await ctx.db.patch("tokens", known._id, { revokedAt: Date.now() });
  else {
    await ctx.db.insert("tokens", {
      tokenId,
      role: "viewer",
      subject: "unknown",
      issuedBy: "unknown",
      issuedAt: 0,
      // Nobody knows when it ends by itself, so its revocation is never forgotten.
      expiresAt: Number.MAX_SAFE_INTEGER,
      revokedAt: Date.now(),
    });
  }
  await recordEvent(ctx, {
    type: "token.revoked",
    actor,
    project: await namesOf(ctx, known?.projectId),
    from: tokenId,
    message: `The token of ${known?.subject ?? "an unknown subject"} was revoked.`,
  });
}

async function namesOf(ctx: QueryCtx, projectId: Id<"projects"> | undefined) {
  return (projectId && (await ctx.db.get("projects", projectId))) ?? undefined;
}
