/** System tables and what a function knows of itself. */
import { v } from "convex/values";
import type { Id } from "./_generated/dataModel";
import { mutation, query } from "./_generated/server";

export const scheduledNames = query({
  args: {},
  handler: async ({ db }) =>
    (await db.system.query("_scheduled_functions").order("desc").collect()).map(({ name }) => name),
});

export const userTableThroughSystem = query({
  args: { id: v.string() },
  handler: async ({ db }, { id }) => await db.system.get(id as Id<"_storage">),
});

export const systemTableThroughUser = query({
  args: {},
  handler: async ({ db }) => await db.query("_scheduled_functions" as "items").collect(),
});

export const insertIntoSystem = mutation({
  args: {},
  handler: async ({ db }) => await db.insert("_storage" as "items", { label: "x" }),
});

export const environment = query({
  args: { name: v.string() },
  handler: (_ctx, { name }) => process.env[name] ?? null,
});
