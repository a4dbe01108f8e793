/** Who calls, and data that only its owner may see. */
import { v } from "convex/values";
import { mutation, query } from "./_generated/server";

export const whoami = query({ args: {}, handler: async ({ auth }) => await auth.getUserIdentity() });

export const whoamiInMutation = mutation({
  args: {},
  handler: async ({ auth }) => (await auth.getUserIdentity())?.tokenIdentifier ?? null,
});

export const addNote = mutation({
  args: { text: v.string() },
  handler: async ({ auth, db }, { text }) => {
    const identity = await auth.getUserIdentity();
    if (identity === null) throw new Error("Sign in first");
    await db.insert("notes", { owner: identity.tokenIdentifier, text });
  },
});

export const myNotes = query({
  args: {},
  handler: async ({ auth, db }) => {
    const identity = await auth.getUserIdentity();
    if (identity === null) return null;
    const notes = await db
      .query("notes")
      .withIndex("by_owner", (q) => q.eq("owner", identity.tokenIdentifier))
      .collect();
    return notes.map(({ text }) => text);
  },
});

/** Asks who calls only when there is a document to protect: the answer begins shared and ends personal. */
export const askIfPresent = query({
  args: { label: v.string() },
  handler: async ({ auth, db }, { label }) => {
    const found = await db
      .query("items")
      .withIndex("by_label", (q) => q.eq("label", label))
      .first();
    if (found === null) return "nothing yet";
    return (await auth.getUserIdentity())?.subject ?? "nobody";
  },
});
