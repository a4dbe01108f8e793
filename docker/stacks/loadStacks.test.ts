import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readCatalogue } from "../../scripts/images/catalogue.ts";
import { loadStacks, starterFolder } from "./loadStacks.ts";

test("every stack's image is in the catalogue, and its starter is here with a test", () => {
  const stacks = loadStacks();
  expect(Object.keys(stacks)).toEqual(["node", "python", "react", "static"]);
  const tags = readCatalogue().map(({ tag }) => tag);
  for (const stack of Object.values(stacks)) {
    expect(tags).toContain(stack.image);
    expect(existsSync(starterFolder(stack))).toBe(true);
  }
  expect(existsSync(join(starterFolder(stacks.react!), "src/App.test.jsx"))).toBe(true);
});
