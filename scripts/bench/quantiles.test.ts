import { expect, test } from "vitest";
import { median, quantile } from "./quantiles.ts";

test("quantiles lie between their neighbours", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(quantile([1, 2, 3, 4, 5], 0.25)).toBe(2);
  expect(quantile([1, 2], 0.75)).toBe(1.75);
  expect(quantile([7], 0.9)).toBe(7);
});
