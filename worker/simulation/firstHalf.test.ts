import { expect, test } from "vitest";
import { simulate } from "./simulate.ts";

test("the first 100 seeds end as they should", async () => {
  expect((await simulate(1, 100)).join("\n\n")).toBe("");
}, 900_000);
