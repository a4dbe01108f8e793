import { expect, test } from "vitest";
import { VirtualClock } from "../testing/virtualClock.ts";
import { failed, ok, type Check } from "./check.ts";
import { ChecksKeeper, type Checks } from "./checksKeeper.ts";

function setUp() {
  const clock = new VirtualClock(1_000);
  const found: Checks[] = [];
  const asked: boolean[] = [];
  let answer = (): void => {};
  let wait: Promise<void> | null = null;
  const checks = (thorough: boolean): Check[] => {
    asked.push(thorough);
    const waiting = wait;
    const isolation = async () => {
      await waiting;
      return thorough ? failed("open", "close it") : ok("holds");
    };
    return [{ title: "isolation", run: isolation }];
  };
  const keeper = new ChecksKeeper({ checks, onFound: (all) => found.push(all), clock, log: () => {} });
  return {
    ...{ clock, found, asked, keeper },
    hold: () => void (wait = new Promise((resolve) => (answer = resolve))),
    release: () => {
      wait = null;
      answer();
    },
  };
}

test("made at once and every ten minutes, until it is ended", async () => {
  const { clock, found, keeper } = setUp();
  keeper.start();
  await clock.advance(1_200_000);
  expect(found.map(({ at }) => at)).toEqual([1_000, 601_000, 1_201_000]);
  expect(found[0]!.findings).toEqual([{ title: "isolation", state: "ok", detail: "holds", fix: null }]);
  keeper.stop();
  await clock.advance(1_200_000);
  expect(found).toHaveLength(3);
});

test("who asks for real attempts gets them, also while the usual checks go on; several share them", async () => {
  const { asked, found, keeper, hold, release } = setUp();
  hold();
  const usual = keeper.run(false);
  const thorough = [keeper.run(true), keeper.run(true), keeper.run(false)];
  expect(asked).toEqual([false]);
  release();
  expect((await usual).findings[0]).toMatchObject({ state: "ok" });
  const [one, other, third] = await Promise.all(thorough);
  expect(one!.findings[0]).toEqual({
    title: "isolation",
    state: "failed",
    detail: "open",
    fix: "close it",
  });
  expect(other).toBe(one);
  expect(third!.findings[0]).toMatchObject({ state: "ok" });
  expect(asked).toEqual([false, true]);
  expect(found).toHaveLength(2);
});
