import { expect, test } from "vitest";
import { explainOversizedResult } from "./resultLimits.ts";

const nested = (depth: number): string => "[".repeat(depth) + "]".repeat(depth);
const list = (length: number): string => JSON.stringify(Array.from({ length }, () => 1));

test("finds arrays that are too long, and passes the longest that is not", () => {
  expect(explainOversizedResult(list(8_193))).toContain("Array length is too long");
  expect(explainOversizedResult(list(8_192))).toBeNull();
  expect(explainOversizedResult(JSON.stringify({ a: { b: Array(8_193).fill("") } }))).toContain("too long");
});

test("finds values that are nested too deeply", () => {
  expect(explainOversizedResult(nested(66))).toContain("too deeply nested");
  expect(explainOversizedResult(nested(65))).toBeNull();
});

test("finds objects with too many fields", () => {
  const object = (count: number): string =>
    JSON.stringify(Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, i])));
  expect(explainOversizedResult(object(1_025))).toContain("too many fields");
  expect(explainOversizedResult(object(1_024))).toBeNull();
});

test("finds results of more than 16 MiB", () => {
  expect(explainOversizedResult(JSON.stringify("x".repeat(17 << 20)))).toContain("too large");
});

test("is not misled by brackets, commas and quotes inside strings", () => {
  const texts = [nested(500), ",".repeat(9_000), '"'.repeat(300), "\\".repeat(301), '\\"['.repeat(100)];
  for (const text of texts)
    expect(explainOversizedResult(JSON.stringify([text, { [text]: text }]))).toBeNull();
});
