import { expect, test } from "vitest";
import { firstSentence } from "./sentences.ts";

test.each([
  ["the image is missing", "the image is missing"],
  ["Pulling node:22 failed. Is the registry up? Try again.", "Pulling node:22 failed"],
  ["exit code 1\nnpm ERR! missing script", "exit code 1"],
  ["  It ended! And again.", "It ended!"],
  ["node:20.19 is not there.", "node:20.19 is not there"],
  ["", ""],
])("of %j the first sentence is %j", (text, first) => {
  expect(firstSentence(text)).toBe(first);
});

test("a long one is cut between characters", () => {
  expect(firstSentence("🚀".repeat(300)).isWellFormed()).toBe(true);
});

test("a long one is cut", () => {
  const sentence = firstSentence("a".repeat(500));
  expect(sentence).toHaveLength(200);
  expect(sentence).toMatch(/a…$/);
});
