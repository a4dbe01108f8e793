import { expect, test } from "vitest";
import { simulate } from "./simulate.ts";

test("the seeds 1,001 to 1,100 end as they should", async () => {
  expect((await simulate(1_001, 100)).join("\n\n")).toBe("");
}, 900_000);
