import { expect, test } from "vitest";
import { simulate } from "./simulate.ts";

test("the second thousand seeds end as they should", async () => {
  expect((await simulate(1_001, 1_000)).join("\n\n")).toBe("");
}, 900_000);
