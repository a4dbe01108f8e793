import { expect, test } from "vitest";
import { simulateApart } from "./apart.ts";

test("the seeds 501 to 1,000 end as they should", async () => {
  expect(await simulateApart(501, 500)).toBe("");
}, 1_800_000);
