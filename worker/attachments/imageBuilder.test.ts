import { expect, test } from "vitest";
import { imageBuilder } from "./imageBuilder.ts";

/** The real builder, as a process of its own. */

test("an image that the catalogue does not have is a typed failure that says which there are", async () => {
  await expect(imageBuilder()("slipway/nosuch:1")).rejects.toMatchObject({
    fault: "build_failed",
    message: expect.stringMatching(/slipway\/nosuch:1.*postgres/s),
  });
}, 60_000);

test("a builder that says nothing is ended", async () => {
  await expect(imageBuilder(1)("slipway/nosuch:1")).rejects.toThrow(/silent for 0\.001 s/);
}, 60_000);
