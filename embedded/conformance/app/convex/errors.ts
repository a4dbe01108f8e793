/** Errors of each class. */
import { ConvexError, v, type Value } from "convex/values";
import { action, internalQuery, mutation, query } from "./_generated/server";

function fail(what: string, data: unknown): never {
  switch (what) {
    case "error":
      throw new Error("a plain error");
    case "typeError":
      return (undefined as unknown as { x: { y: never } }).x.y;
    case "rangeError":
      throw new RangeError("out of range");
    case "custom": {
      class CustomError extends Error {
        override name = "CustomError";
      }
      throw new CustomError("of a class of its own");
    }
    case "convex":
      throw new ConvexError(data as Value);
    case "string":
      throw "a bare string";
    default:
      throw new Error(`unknown: ${what}`);
  }
}

const args = { what: v.string(), data: v.optional(v.any()) };

export const inQuery = query({ args, handler: (_ctx, { what, data }) => fail(what, data) });
export const inAction = action({ args, handler: (_ctx, { what, data }) => fail(what, data) });
export const inMutation = mutation({
  args,
  handler: async ({ db }, { what, data }) => {
    await db.insert("items", { label: "written before the error" });
    fail(what, data);
  },
});

export const hidden = internalQuery({ args: {}, handler: () => "internal" });

/** Convex's runtime has no network and no timers in queries and mutations. */
export const fetchInQuery = query({
  args: {},
  handler: async () => {
    await fetch("http://127.0.0.1:1/");
  },
});

export const fetchInMutation = mutation({
  args: {},
  handler: async ({ db }) => {
    await db.insert("items", { label: "before fetch" });
    await fetch("http://127.0.0.1:1/");
  },
});

export const timerInQuery = query({
  args: {},
  handler: async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
  },
});

export const writeInQuery = query({
  args: {},
  handler: async ({ db }) => {
    const writer = db as unknown as { insert?: (table: string, document: object) => Promise<string> };
    if (writer.insert === undefined) throw new Error("a query has no writer");
    await writer.insert("items", { label: "from a query" });
  },
});

/** Never ends: the backend must stop it. */
export const spin = query({
  args: {},
  handler: () => {
    for (;;) Math.sqrt(2);
  },
});

/** Waits for nothing: the backend must stop it too. */
export const hang = query({ args: {}, handler: async () => await new Promise<never>(() => {}) });

export const spinInMutation = mutation({
  args: {},
  handler: async ({ db }) => {
    await db.insert("items", { label: "before spinning" });
    for (;;) Math.sqrt(2);
  },
});

/** Writes that nobody awaits, begun before the end and after it. */
export const unawaitedWrite = mutation({
  args: {},
  handler: ({ db }) => {
    void Promise.resolve()
      .then(() => Promise.resolve())
      .then(async () => {
        for (let turn = 0; turn < 50; turn++) await Promise.resolve();
        await db.insert("items", { label: "after the end" });
      })
      .catch(() => {});
    return "ended";
  },
});

/** Time and randomness as queries see them. */
export const clock = query({
  args: {},
  handler: () => {
    const first = Date.now();
    let spun = 0;
    for (let i = 0; i < 1e5; i++) spun += i % 3;
    return { same: Date.now() === first, recent: first > 1.6e12, spun: spun > 0, random: Math.random() < 1 };
  },
});
