import { expect, test } from "vitest";
import { simulateApart } from "./apart.ts";

test("the seeds 1,001 to 2,000 end as they should", async () => {
  expect(await simulateApart(1001, 1000)).toBe("");
}, 1_800_000);
