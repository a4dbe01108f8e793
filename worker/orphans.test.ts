import { expect, test } from "vitest";
import { Orphans } from "./orphans.ts";

const found = (...namespaces: string[]) =>
  new Map(namespaces.map((namespace) => [namespace, { containers: [], networks: [], volumes: [] }]));

test("an orphan goes at the second look, after the grace time, and never at the first", () => {
  const orphans = new Orphans(60_000);
  expect(orphans.look(found("a", "b"), new Set(["a"]), 0)).toEqual([]);
  expect(orphans.look(found("a", "b"), new Set(["a"]), 59_999)).toEqual([]);
  expect(orphans.look(found("a", "b"), new Set(["a"]), 60_000)).toEqual(["b"]);
});

test("who found an owner in between begins anew", () => {
  const orphans = new Orphans(60_000);
  orphans.look(found("b"), new Set(), 0);
  orphans.look(found("b"), new Set(["b"]), 60_000);
  expect(orphans.look(found("b"), new Set(), 120_000)).toEqual([]);
});
