import { expect, test } from "vitest";
import { simulate } from "./simulate.ts";

test("the seeds 501 to 1,000 end as they should", async () => {
  expect((await simulate(501, 500)).join("\n\n")).toBe("");
}, 1_800_000);
