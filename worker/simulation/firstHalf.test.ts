import { expect, test } from "vitest";
import { simulate } from "./simulate.ts";

test("the seeds 1 to 500 end as they should", async () => {
  expect((await simulate(1, 500)).join("\n\n")).toBe("");
}, 1_800_000);
