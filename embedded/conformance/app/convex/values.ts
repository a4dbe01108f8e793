/** What goes in and comes out of functions: every kind of value, and validators on arguments and results. */
import { v } from "convex/values";
import { mutation, query } from "./_generated/server";

export const echo = query({ args: { value: v.any() }, handler: (_ctx, { value }) => value as unknown });

export const echoArgs = query({ handler: (_ctx, args: Record<string, unknown>) => args });

export const describe = query({
  args: { value: v.any() },
  handler: (_ctx, { value }) => {
    if (value === null) return "null";
    if (Array.isArray(value)) return "array";
    if (value instanceof ArrayBuffer) return `bytes of ${value.byteLength}`;
    return typeof value;
  },
});

export const returnUndefined = query({ args: {}, handler: () => undefined });

export const returnUndefinedField = query({ args: {}, handler: () => ({ a: 1, b: undefined }) });

/** What Convex cannot carry. */
export const returnUnsupported = query({
  args: { what: v.string() },
  handler: (_ctx, { what }): unknown => {
    const made: Record<string, () => unknown> = {
      date: () => new Date(0),
      map: () => new Map([["a", 1]]),
      set: () => new Set([1]),
      function: () => () => 1,
      symbol: () => Symbol("s"),
      class: () =>
        new (class Point {
          x = 1;
        })(),
      nested: () => ({ deep: { down: [new Date(0)] } }),
      hugeInt: () => 2n ** 63n,
      arrayHole: () => [1, undefined, 2],
    };
    return made[what]!();
  },
});

const vEverything = v.object({
  nothing: v.null(),
  flag: v.boolean(),
  int: v.int64(),
  float: v.number(),
  text: v.string(),
  bytes: v.bytes(),
  list: v.array(v.union(v.string(), v.null())),
  object: v.object({ a: v.string(), b: v.optional(v.number()) }),
  map: v.record(v.string(), v.number()),
  either: v.union(v.literal("on"), v.literal(2), v.literal(true)),
  ref: v.id("items"),
  whatever: v.any(),
  maybe: v.optional(v.string()),
});

export const everything = query({
  args: { everything: vEverything },
  returns: vEverything,
  handler: (_ctx, args) => args.everything,
});

export const onlyItems = query({ args: { id: v.id("items") }, handler: (_ctx, { id }) => id });

export const noArgs = query({ args: {}, handler: () => "none" });

export const returnsNumber = query({
  args: { value: v.any() },
  returns: v.number(),
  handler: (_ctx, { value }) => value as number,
});

export const returnsObject = query({
  args: { value: v.any() },
  returns: v.object({ a: v.string(), b: v.optional(v.number()) }),
  handler: (_ctx, { value }) => value as { a: string },
});

export const returnsNull = query({ args: {}, returns: v.null(), handler: () => null });

/** A mutation whose result does not match: its writes must not stay. */
export const writeThenReturnWrong = mutation({
  args: { label: v.string() },
  returns: v.number(),
  handler: async ({ db }, { label }) => {
    await db.insert("items", { label });
    return "not a number" as unknown as number;
  },
});
