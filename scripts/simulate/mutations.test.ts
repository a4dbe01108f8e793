import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { MUTATIONS } from "./mutations.ts";

test.each(MUTATIONS.map(({ what, file, from }) => [what, file, from] as const))(
  "%s: can still be made so",
  (_, file, from) => {
    const text = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
    expect(text.split(from).length - 1).toBe(1);
  },
);
