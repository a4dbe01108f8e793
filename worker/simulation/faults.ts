import type { Random } from "./random.ts";

export type Peer = "engine" | "gateway" | "control plane";

/** What becomes of one call: how long its request and its answer take, and what is lost of it. */
export type Fate = {
  requestMs: number;
  answerMs: number;
  outcome: "well" | "refused" | "lost";
};

/** How likely each fault is for a call, and for an event of the engine's. */
export type FaultRates = {
  refused: number;
  lost: number;
  /** Slow, but within every deadline. */
  slow: number;
  /** So slow that nobody waits for the answer any more; what was asked happens all the same. */
  late: number;
  duplicatedEvent: number;
  reorderedEvent: number;
};

const NONE: FaultRates = { refused: 0, lost: 0, slow: 0, late: 0, duplicatedEvent: 0, reorderedEvent: 0 };

/** Profiles of a run, from a machine on which all is well to one on which little is. */
const PROFILES: Record<string, FaultRates> = {
  calm: NONE,
  flaky: { refused: 0.02, lost: 0.02, slow: 0.02, late: 0.005, duplicatedEvent: 0.05, reorderedEvent: 0.05 },
  rough: { refused: 0.08, lost: 0.06, slow: 0.08, late: 0.02, duplicatedEvent: 0.2, reorderedEvent: 0.2 },
  lossy: { ...NONE, lost: 0.15 },
  refusing: { ...NONE, refused: 0.2 },
  slow: { ...NONE, slow: 0.25, late: 0.04 },
  jumbled: { ...NONE, duplicatedEvent: 0.4, reorderedEvent: 0.5 },
};

const USUAL_MS: Record<Peer, [number, number]> = {
  engine: [1, 15],
  gateway: [1, 4],
  "control plane": [1, 20],
};
const SLOW_MS: Record<Peer, [number, number]> = {
  engine: [1_000, 25_000],
  gateway: [500, 9_000],
  "control plane": [500, 9_000],
};
const LATE_MS: Record<Peer, [number, number]> = {
  engine: [31_000, 180_000],
  gateway: [10_500, 40_000],
  "control plane": [10_500, 60_000],
};

/** How long after the last fault a call may still arrive, in ms. */
export const LATEST_MS = Math.max(...Object.values(LATE_MS).map(([, mostMs]) => mostMs)) + 1_000;

/** Decides by chance, from one seed, what goes wrong with calls, until it is told to stop. */
export class Faults {
  readonly profile: string;
  private rates: FaultRates;

  constructor(private readonly random: Random) {
    this.profile = random.pick(Object.keys(PROFILES));
    this.rates = PROFILES[this.profile]!;
  }

  stop(): void {
    this.rates = NONE;
  }

  fateOf(peer: Peer): Fate {
    const { random, rates } = this;
    const usual = () => random.between(...USUAL_MS[peer]);
    const roll = random.next();
    const fate: Fate = { requestMs: usual(), answerMs: usual(), outcome: "well" };
    let edge = rates.refused;
    if (roll < edge) return { ...fate, outcome: "refused" };
    if (roll < (edge += rates.lost)) return { ...fate, outcome: "lost" };
    if (roll < (edge += rates.slow)) {
      const slow = random.between(...SLOW_MS[peer]);
      return random.chance(0.5) ? { ...fate, requestMs: slow } : { ...fate, answerMs: slow };
    }
    if (roll < edge + rates.late) return { ...fate, requestMs: random.between(...LATE_MS[peer]) };
    return fate;
  }

  /** After how many ms an event arrives, for each time that it does. */
  eventDelays(): number[] {
    const { random, rates } = this;
    const delay = random.between(1, 40);
    const delays = [random.chance(rates.reorderedEvent) ? random.between(40, 3_000) : delay];
    if (random.chance(rates.duplicatedEvent)) delays.push(random.between(1, 5_000));
    return delays;
  }
}
