import { bytes } from "../shared/format.ts";

/** A host in words. */

/** `1.5 of 4 CPU`. */
export function ofCpus(some: number, all: number): string {
  return `${short(some)} of ${short(all)} CPU`;
}

/** `1.5 of 8 GiB`, or with both units where these differ. */
export function ofBytes(some: number, all: number): string {
  const [one, other] = [bytes(some), bytes(all)];
  const unit = other.split(" ")[1]!;
  return one.endsWith(` ${unit}`) ? `${one.slice(0, -unit.length - 1)} of ${other}` : `${one} of ${other}`;
}

function short(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 0)));
}

/** What a host's state means for its projects. */
export const STATE_MEANS = {
  live: "Its worker holds the lease and sends heartbeats.",
  lost: "Its worker sends no heartbeat. What runs there may go on, but nobody looks after it.",
  left: "Its worker was stopped. What runs there goes on, but nobody looks after it.",
} as const;

/** What to do about it. */
export const STATE_STEP = {
  live: null,
  lost: "Look whether the machine is up and reaches Convex, then start its worker: npm start.",
  left: "Start its worker again: npm start.",
} as const;
