import { expect, test } from "vitest";
import { bytes, cpus, duration } from "./format.ts";

test("small numbers keep two digits that say something", () => {
  expect([0, 0.0004, 0.0123, 0.5, 1.25, 12.3].map(cpus)).toEqual([
    "0 CPU",
    "0.0004 CPU",
    "0.012 CPU",
    "0.5 CPU",
    "1.25 CPU",
    "12 CPU",
  ]);
});

test("bytes and times are in the largest unit that fits", () => {
  expect([0, 512, 1536, 2 * 1024 ** 3].map(bytes)).toEqual(["0 B", "512 B", "1.5 KiB", "2 GiB"]);
  expect([12, 1500, 61_000, 120_000].map(duration)).toEqual(["12 ms", "1.5 s", "1 min 1 s", "2 min"]);
});
