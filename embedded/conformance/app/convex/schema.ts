/** The conformance app's tables: one for each feature that the cases ask about. */
import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";

/** Documents with one optional field for each kind of validator. */
const kinds = defineTable({
  label: v.string(),
  nothing: v.optional(v.null()),
  flag: v.optional(v.boolean()),
  int: v.optional(v.int64()),
  float: v.optional(v.number()),
  text: v.optional(v.string()),
  bytes: v.optional(v.bytes()),
  list: v.optional(v.array(v.number())),
  object: v.optional(v.object({ a: v.string(), b: v.optional(v.number()) })),
  map: v.optional(v.record(v.string(), v.number())),
  either: v.optional(v.union(v.literal("on"), v.literal("off"), v.number())),
  one: v.optional(v.literal(1n)),
  ref: v.optional(v.id("items")),
  whatever: v.optional(v.any()),
}).index("by_label", ["label"]);

const items = defineTable({
  label: v.string(),
  group: v.optional(v.string()),
  rank: v.optional(v.number()),
  value: v.optional(v.any()),
  at: v.optional(v.object({ x: v.number(), y: v.optional(v.number()) })),
})
  .index("by_label", ["label"])
  .index("by_group_and_rank", ["group", "rank"])
  .index("by_value", ["value"])
  .index("by_at", ["at.x", "at.y"]);

/** Documents of any shape. */
const loose = defineTable(v.any()).index("by_label", ["label"]).index("by_a_and_b", ["a", "b"]);

const shapes = defineTable(
  v.union(
    v.object({ kind: v.literal("circle"), radius: v.number() }),
    v.object({ kind: v.literal("square"), side: v.number() }),
  ),
).index("by_kind", ["kind"]);

const articles = defineTable({ title: v.string(), body: v.string(), category: v.string() }).searchIndex(
  "search_body",
  { searchField: "body", filterFields: ["category"] },
);

const points = defineTable({
  name: v.string(),
  color: v.string(),
  embedding: v.array(v.float64()),
}).vectorIndex("by_embedding", { vectorField: "embedding", dimensions: 3, filterFields: ["color"] });

/** What each simulated client has written, in its own numbering. */
const entries = defineTable({ client: v.string(), n: v.number(), payload: v.optional(v.string()) })
  .index("by_client_and_n", ["client", "n"])
  .index("by_n", ["n"]);

const counters = defineTable({ name: v.string(), value: v.number() }).index("by_name", ["name"]);

/** Documents that only their owner may read. */
const notes = defineTable({ owner: v.string(), text: v.string() }).index("by_owner", ["owner"]);

export default defineSchema({
  ...{ kinds, items, loose, shapes, articles, points, entries, counters, notes },
});
