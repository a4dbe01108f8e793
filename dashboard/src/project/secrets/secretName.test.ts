import { expect, test } from "vitest";
import { nameProblem, valueProblem } from "./secretName.ts";

test.each(["API_KEY", "_x", "a1"])("%s can be a secret's name", (name) => {
  expect(nameProblem(name)).toBeNull();
});

test.each(["", "1A", "API-KEY", "PORT", "SLIPWAY_TOKEN"])("%j cannot", (name) => {
  expect(nameProblem(name)).not.toBeNull();
});

test("a value is something, and no more than a process can be given, in bytes", () => {
  expect(valueProblem("x")).toBeNull();
  expect(valueProblem("")).not.toBeNull();
  expect(valueProblem("ä".repeat(32 * 1024))).toBeNull();
  expect(valueProblem("ä".repeat(32 * 1024 + 1))).not.toBeNull();
});
