import { expect, test } from "vitest";
import { simulateApart } from "./apart.ts";

test("the seeds 1 to 1,000 end as they should", async () => {
  expect(await simulateApart(1, 1000)).toBe("");
}, 1_800_000);
