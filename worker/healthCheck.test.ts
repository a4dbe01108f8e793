import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { inTurns } from "./healthCheck.ts";

/** A clock that somebody sets, and checks that end when they are told to. */
function world() {
  let now = 0;
  let timers: { at: number; callback: () => void }[] = [];
  const begun: string[] = [];
  const ends = new Map<string, (passed: boolean) => void>();
  const check = inTurns(
    (container) => {
      begun.push(container);
      return new Promise((resolve) => ends.set(container, resolve));
    },
    {
      now: () => now,
      elapsed: () => now,
      after(delayMs, callback) {
        timers.push({ at: now + delayMs, callback });
        return () => {};
      },
    },
  );
  const until = async (ms: number) => {
    now = ms;
    const due = timers.filter(({ at }) => at <= ms);
    timers = timers.filter(({ at }) => at > ms);
    for (const { callback } of due) callback();
    await turn();
  };
  return { check: (container: string) => check(container, ["CMD", "true"]), begun, ends, until };
}

test("the next check begins when the one before has ended, and after one that failed as long again", async () => {
  const { check, begun, ends, until } = world();
  const first = check("first");
  void check("second");
  await until(0);
  await until(300);
  expect(begun).toEqual(["first"]);
  ends.get("first")!(false);
  expect(await first).toBe(false);
  await until(599);
  expect(begun).toEqual(["first"]);
  await until(600);
  expect(begun).toEqual(["first", "second"]);
});

test("a check that does not end keeps the next one waiting for two seconds", async () => {
  const { check, begun, until } = world();
  void check("hangs");
  void check("next");
  await until(0);
  await until(1_999);
  expect(begun).toEqual(["hangs"]);
  await until(2_000);
  expect(begun).toEqual(["hangs", "next"]);
});
