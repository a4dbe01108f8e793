/**
 * SIGKILL with hundreds of mutations in flight, again and again (`CRASH_ROUNDS`, 2 or 50 by default, on two servers at
 * once): no acknowledged mutation is lost, none is made twice, each client's come in its order, subscriptions resume.
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { CrashLane, type Round } from "./crashLane.ts";
import { times } from "../../tests/long.ts";

const ROUNDS = Number(process.env["CRASH_ROUNDS"] ?? times(2, 50));
const LANES = 2;
const MAX_ANSWERS_BEFORE_KILL = 250;
const seed = Number(process.env["SEED"] ?? Date.now() % 1e9);

/** A small generator, so that a seed repeats the moments of the kills as far as time allows. */
function random(state: number): () => number {
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const lanes = Array.from({ length: LANES }, () => new CrashLane());

beforeAll(async () => {
  await Promise.all(lanes.map((lane) => lane.open()));
});

afterAll(async () => {
  await Promise.all(lanes.map((lane) => lane.close()));
});

async function crashAgainAndAgain(lane: CrashLane, rounds: number, next: () => number): Promise<Round[]> {
  const made: Round[] = [];
  for (let number = 0; number < rounds; number++) {
    const answers = Math.floor(next() * MAX_ANSWERS_BEFORE_KILL);
    const by = next() < 0.5 ? "mutation" : "action";
    made.push(await lane.round(number, answers, { by, delayMs: Math.floor(next() * 400) }));
    for (const { name, issued } of lane.writers) {
      const expected = Array.from({ length: issued }, (_, n) => n);
      expect(lane.written.get(name), `${name} after round ${number} (seed ${seed})`).toEqual(expected);
    }
    await lane.subscriptionsCaughtUp();
  }
  return made;
}

test(
  `loses, doubles and reorders nothing in ${ROUNDS} crashes`,
  async () => {
    const share = Math.ceil(ROUNDS / LANES);
    const rounds = await Promise.all(
      lanes.map((lane, i) => crashAgainAndAgain(lane, share, random(seed + i))),
    );
    for (const [i, lane] of lanes.entries()) {
      const issued = lane.writers.reduce((sum, writer) => sum + writer.issued, 0);
      expect(await lane.appended()).toBe(issued);
      for (const { shown } of lane.writers)
        expect(shown, "time goes on").toEqual([...shown].sort((a, b) => a - b));
      const inFlight = rounds[i]!.map((round) => round.inFlight).sort((a, b) => a - b);
      expect(inFlight[Math.floor(inFlight.length / 2)], "in flight at the median crash").toBeGreaterThan(150);
      for (const { label, by, times, state } of await lane.jobOutcomes()) {
        if (by === "mutation") expect({ label, times, state }).toEqual({ label, times: 1, state: "success" });
        else
          expect([`${label}: 1 success`, `${label}: 1 failed`, `${label}: 0 failed`]).toContain(
            `${label}: ${times} ${state}`,
          );
      }
    }
  },
  20_000 + ROUNDS * 10_000,
);
