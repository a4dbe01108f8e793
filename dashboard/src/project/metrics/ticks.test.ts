import { expect, test } from "vitest";
import { ticks } from "./ticks.ts";

test("decimal steps are round", () => {
  expect(ticks(0, 2.2, 5, false)).toEqual([0, 0.5, 1, 1.5, 2]);
  expect(ticks(0, 0.0031, 5, false)).toEqual([0, 0.001, 0.002, 0.003]);
});

test("bytes are round in powers of two", () => {
  const MiB = 1024 ** 2;
  expect(ticks(0, 45 * MiB, 5, true)).toEqual([0, 16 * MiB, 32 * MiB]);
  expect(ticks(0, 700, 5, true)).toEqual([0, 256, 512]);
});

test("there are never many more than were asked for", () => {
  for (const isBinary of [false, true]) {
    for (let most = 1e-4; most < 1e13; most *= 1.37) {
      const lines = ticks(0, most, 5, isBinary);
      expect(lines.length).toBeLessThanOrEqual(7);
      expect(lines.length).toBeGreaterThanOrEqual(2);
      expect(lines.at(-1)!).toBeLessThanOrEqual(most * 1.000001);
    }
  }
});

test("an axis without length has one line", () => {
  expect(ticks(0, 0, 5, false)).toEqual([0]);
});
