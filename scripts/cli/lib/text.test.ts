import { styleText } from "node:util";
import { expect, test } from "vitest";
import { age } from "./age.ts";
import { table } from "./output.ts";
import { suggest } from "./suggest.ts";

test("columns are as wide as their widest cell, colours or not", () => {
  expect(
    table(
      ["NAME", "IS"],
      [
        ["shop", "running"],
        [styleText("green", "a", { validateStream: false }), "paused"],
      ],
    ),
  ).toBe(`NAME  IS\nshop  running\n${styleText("green", "a", { validateStream: false })}     paused`);
});

test.each([
  ["developmnt", "development"],
  ["Testing", "testing"],
  ["pause", "paused"],
  ["banana", null],
])("%s is near %s", (typed, expected) => {
  expect(suggest(typed, ["created", "development", "testing", "paused"])).toBe(expected);
});

test.each([
  [500, "0s"],
  [59_999, "59s"],
  [3_600_000, "1h"],
  [-5, "0s"],
  [200_000_000, "2d"],
])("%i ms ago is %s", (ms, text) => {
  expect(age(1_000_000_000_000 - ms, 1_000_000_000_000)).toBe(text);
});
