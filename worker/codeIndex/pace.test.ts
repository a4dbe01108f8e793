import { expect, test } from "vitest";
import { VirtualClock } from "../testing/virtualClock.ts";
import { FIRST_DELAY_MS, LONGEST_DELAY_MS, Pace } from "./pace.ts";

/** When the rounds read a project's source, in ms since the first of them. */

const MINUTE_MS = 60_000;

async function readAt(
  minutes: number,
  {
    changed = () => false,
    container = () => "c1",
    before = () => {},
    during = () => {},
  }: Partial<{
    changed: (minute: number) => boolean;
    container: (minute: number) => string;
    before: (minute: number, pace: Pace) => void;
    during: (minute: number, pace: Pace) => void;
  }> = {},
): Promise<number[]> {
  const clock = new VirtualClock();
  const pace = new Pace(clock);
  const read: number[] = [];
  for (let minute = 0; minute <= minutes; minute++) {
    before(minute, pace);
    const look = pace.begin("p", container(minute));
    if (look) {
      read.push(minute);
      during(minute, pace);
      pace.end("p", look, changed(minute));
    }
    await clock.advance(MINUTE_MS);
  }
  return read;
}

test("what stays the same is read ever more rarely, and at least every quarter of an hour", async () => {
  expect(FIRST_DELAY_MS).toBe(MINUTE_MS);
  expect(LONGEST_DELAY_MS).toBe(15 * MINUTE_MS);
  expect(await readAt(61)).toEqual([0, 1, 3, 7, 15, 30, 45, 60]);
});

test("what changed is read again a minute later", async () => {
  expect(await readAt(20, { changed: (minute) => minute === 7 })).toEqual([0, 1, 3, 7, 8, 10, 14]);
});

test("what somebody may have changed through Slipway is read in the next round", async () => {
  const before = (minute: number, pace: Pace) => void (minute === 10 && pace.touch("p"));
  expect(await readAt(14, { before })).toEqual([0, 1, 3, 7, 10, 11, 13]);
});

test("also where that was while it was read", async () => {
  const during = (minute: number, pace: Pace) => void (minute === 3 && pace.touch("p"));
  expect(await readAt(8, { during })).toEqual([0, 1, 3, 4, 5, 7]);
});

test("another container is read at once", async () => {
  expect(await readAt(11, { container: (minute) => (minute < 9 ? "c1" : "c2") })).toEqual([
    0, 1, 3, 7, 9, 10,
  ]);
});

test("what could not be read is due still", () => {
  const pace = new Pace(new VirtualClock());
  expect(pace.begin("p", "c")).not.toBeNull();
  expect(pace.begin("p", "c")).not.toBeNull();
});

test("projects that do not run are forgotten", () => {
  const pace = new Pace(new VirtualClock());
  pace.end("p", pace.begin("p", "c")!, false);
  expect(pace.begin("p", "c")).toBeNull();
  pace.keepOnly(new Set());
  expect(pace.begin("p", "c")).not.toBeNull();
});
