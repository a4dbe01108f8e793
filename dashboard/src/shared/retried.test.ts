import { expect, test } from "vitest";
import { retried } from "./retried.ts";

const failing = (times: number) => {
  let attempts = 0;
  return async () => {
    attempts += 1;
    if (attempts <= times) throw new Error(`attempt ${attempts}`);
    return attempts;
  };
};
const atOnce = async () => {};

test("what fails for a moment is had in the end", async () => {
  expect(await retried(failing(0), atOnce)).toBe(1);
  expect(await retried(failing(3), atOnce)).toBe(4);
});

test("what goes on failing says why", async () => {
  await expect(retried(failing(9), atOnce)).rejects.toThrow("attempt 4");
});
