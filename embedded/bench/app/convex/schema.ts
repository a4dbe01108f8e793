import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

export default defineSchema({
  messages: defineTable({ channel: v.number(), body: v.string() }).index("by_channel", ["channel"]),
});
