import { expect, test } from "vitest";
import { changeOf, fateOf } from "./plan.ts";

const shop = { name: "shop", stack: "node" };

test("a change of one environment concerns that one alone", () => {
  expect(changeOf(shop, { ...shop, environments: { dev: { cpus: 1 } } })).toEqual({
    paths: ["environments.dev.cpus"],
    kinds: ["dev"],
  });
});

test("what is filled in anyway is no change", () => {
  expect(changeOf(shop, { ...shop, egress: "open" })).toEqual({ paths: [], kinds: [] });
});

test("a variable concerns all environments", () => {
  expect(changeOf(shop, { ...shop, env: { A: "1" } })?.kinds).toEqual(["dev", "test", "deploy"]);
});

test("what is no manifest has no change", () => {
  expect(changeOf(shop, { name: "shop" })).toBeNull();
});

test("each environment is told what becomes of it", () => {
  const fate = (kind: "dev" | "deploy", desired: string, release: number | null = null) =>
    fateOf({ kind, desired, release });
  expect(fate("dev", "running")).toMatch(/restarts/);
  expect(fate("dev", "hibernated")).toMatch(/wakes/);
  expect(fate("deploy", "running", 3)).toMatch(/release 3/);
  expect(fate("deploy", "absent")).toMatch(/not there/);
});
