/** Functions that go behind the builders' backs, and functions that take more than their share. */
import { v } from "convex/values";
import { action, mutation, query } from "./_generated/server";

interface Operations {
  syscall(op: string, args: string): string;
  asyncSyscall(op: string, args: string): Promise<string>;
  jsSyscall(op: string, args: object): unknown;
}

declare const Convex: Operations;

const args = { how: v.string(), op: v.string(), args: v.string() };

/** Asks the backend for an operation as it is given; tells what came of it. */
async function operate(how: string, op: string, text: string): Promise<string> {
  try {
    if (how === "sync") return String(Convex.syscall(op, text));
    if (how === "js") return String(await Convex.jsSyscall(op, { text }));
    return String(await Convex.asyncSyscall(op, text));
  } catch (error) {
    return `refused: ${String((error as Error).message)}`;
  }
}

export const inQuery = query({
  args,
  handler: async (_ctx, { how, op, args: text }) => await operate(how, op, text),
});
export const inMutation = mutation({
  args,
  handler: async (_ctx, { how, op, args: text }) => await operate(how, op, text),
});
export const inAction = action({
  args,
  handler: async (_ctx, { how, op, args: text }) => await operate(how, op, text),
});

/** Takes a time that rises with `rounds`. */
export const busy = query({
  args: { rounds: v.number() },
  handler: (_ctx, { rounds }) => {
    let sum = 0;
    for (let i = 0; i < rounds; i++) sum += Math.sqrt(i);
    return sum > 0;
  },
});

/** A regular expression that tries more ways than there are atoms. */
export const backtrack = query({
  args: {},
  handler: () => /^(a+)+$/.test(`${"a".repeat(64)}b`),
});

const sink = (depth: number): number => sink(depth + 1) + 1;

export const overflow = query({ args: {}, handler: () => sink(0) });
