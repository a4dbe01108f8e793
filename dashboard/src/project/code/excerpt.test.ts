import { expect, test } from "vitest";
import { excerptOf, lineCount, linesOf } from "./excerpt.ts";

const text = Array.from({ length: 20 }, (_, index) => `line ${index + 1}`).join("\n");
const numbers = (needles: string[]) =>
  excerptOf(text, 101, needles).map((block) => block.map(({ number }) => number));

test("a hit has lines around it, with their numbers in the file", () => {
  expect(numbers(["line 10"])).toEqual([[108, 109, 110, 111, 112]]);
});

test("what is near is one block, what is far another", () => {
  expect(numbers(["line 2", "line 6", "line 15"])).toEqual([
    [101, 102, 103, 104, 105, 106, 107, 108],
    [113, 114, 115, 116, 117, 118, 119, 120],
  ]);
});

test("at the edges nothing is made up", () => {
  expect(excerptOf("only this", 1, ["this"])).toEqual([[{ number: 1, text: "only this", isHit: true }]]);
});

test("where nothing is hit the first lines are shown", () => {
  expect(lineCount(excerptOf(text, 1, []))).toBe(8);
  expect(excerptOf(text, 1, ["elsewhere"])[0]![0]!.isHit).toBe(false);
});

test("a line break at the end is no line", () => {
  expect(linesOf("a\nb\n", 1, [])).toHaveLength(2);
});
