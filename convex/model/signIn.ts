import { SIGN_IN_TTL_MS } from "../../core/signInLink.ts";
import { internal } from "../_generated/api";
import type { Doc, Id } from "../_generated/dataModel";
import type { MutationCtx } from "../_generated/server";
import { refuse } from "./refuse.ts";

/** Tokens that wait, sealed, for the browser that holds their code. */

const CODE_HASH = /^[0-9a-f]{64}$/;
const SEALED = /^[0-9a-f]{80,16384}$/;
/** How far the clock of whoever offers may be ahead. */
const CLOCK_SLACK_MS = 60_000;

type Offer = Pick<Doc<"signInOffers">, "codeHash" | "sealed" | "expiresAt">;

export async function offerSignIn(ctx: MutationCtx, offer: Offer): Promise<void> {
  checkOffer(offer, Date.now());
  if (await offerOf(ctx, offer.codeHash)) {
    refuse({ code: "bad_request", message: "This code is in use.", path: "codeHash", hint: "Make another." });
  }
  const offerId = await ctx.db.insert("signInOffers", offer);
  await ctx.scheduler.runAt(offer.expiresAt, internal.signIn.endOffer, { offerId });
}

function checkOffer({ codeHash, sealed, expiresAt }: Offer, now: number): void {
  if (!CODE_HASH.test(codeHash) || !SEALED.test(sealed)) {
    const path = CODE_HASH.test(codeHash) ? "sealed" : "codeHash";
    refuse({ code: "bad_request", message: `${path} is no such thing as core/signInLink.ts makes.`, path });
  }
  if (expiresAt > now && expiresAt <= now + SIGN_IN_TTL_MS + CLOCK_SLACK_MS) return;
  refuse({
    code: "bad_request",
    message: `A sign-in link is good for at most ${SIGN_IN_TTL_MS / 60_000} minutes from now.`,
    path: "expiresAt",
  });
}

/** What waits for the code; it waits no longer. Whatever is wrong with a code, the answer is the same. */
export async function takeSignIn(ctx: MutationCtx, codeHash: string): Promise<{ sealed: string }> {
  const offer = CODE_HASH.test(codeHash) ? await offerOf(ctx, codeHash) : null;
  if (!offer || offer.expiresAt <= Date.now()) {
    return refuse({
      code: "not_found",
      message: "This sign-in link was used, or its time is over.",
      hint: "slipway open makes another one.",
    });
  }
  await ctx.db.delete("signInOffers", offer._id);
  return { sealed: offer.sealed };
}

export async function endOffer(ctx: MutationCtx, offerId: Id<"signInOffers">): Promise<void> {
  if (await ctx.db.get("signInOffers", offerId)) await ctx.db.delete("signInOffers", offerId);
}

async function offerOf(ctx: MutationCtx, codeHash: string): Promise<Doc<"signInOffers"> | null> {
  return await ctx.db
    .query("signInOffers")
    .withIndex("by_code_hash", (q) => q.eq("codeHash", codeHash))
    .unique();
}
