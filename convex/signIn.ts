import { v } from "convex/values";
import { internalMutation, mutation } from "./_generated/server";
import { requireAdmin } from "./model/access.ts";
import { endOffer as end, offerSignIn, takeSignIn } from "./model/signIn.ts";

/** Links that sign a browser in once (core/signInLink.ts): `slipway open` makes them. */

/**
 * Keeps a sealed token for the browser that will bring its code, for 10 minutes at most.
 * @throws ConvexError `bad_request`
 */
export const offer = mutation({
  args: {
    codeHash: v.string(),
    sealed: v.string(),
    /** ms since 1970. */
    expiresAt: v.number(),
  },
  returns: v.null(),
  handler: async (ctx, args) => {
    await requireAdmin(ctx);
    await offerSignIn(ctx, args);
    return null;
  },
});

/**
 * The sealed token that waits for a code, once. The one public function without a `require…`: who calls it has no token
 * yet, that is what they come for. What lets them is that they know a name of 256 bits which only the code gives, and
 * what they get nobody else can open; a wrong, a used and an ended code are answered alike.
 * @throws ConvexError `not_found`
 */
export const take = mutation({
  args: { codeHash: v.string() },
  returns: v.object({ sealed: v.string() }),
  handler: async (ctx, { codeHash }) => await takeSignIn(ctx, codeHash),
});

/** Runs by schedule when an offer's time is over. */
export const endOffer = internalMutation({
  args: { offerId: v.id("signInOffers") },
  returns: v.null(),
  handler: async (ctx, { offerId }) => {
    await end(ctx, offerId);
    return null;
  },
});
