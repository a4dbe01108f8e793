import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { hostStacks } from "./hostStacks.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slipway-stacks-"));
});
afterEach(() => rm(dataDir, { recursive: true }));

const yaml = (name: string) => `name: ${name}
about: Deno
image: my-deno:2
port: 8000
commands: { dev: [deno, run, main.ts], test: [deno, test], deploy: [deno, run, main.ts] }
ready: /
healthcheck: [CMD, deno, eval, "await fetch('http://127.0.0.1:8000/')"]
starter: starters/${name}
`;

async function bring(folder: string, name: string): Promise<void> {
  await mkdir(join(folder, "starters", name), { recursive: true });
  await writeFile(join(folder, `${name}.yml`), yaml(name));
}

test("without a folder there are Slipway's own", () => {
  const { stacks, own, starterOf } = hostStacks(dataDir, {});
  expect(own).toEqual([]);
  expect(Object.keys(stacks)).toContain("node");
  expect(starterOf("node")).toMatch(/docker\/stacks\/starters\/node$/);
});

test("a user's own stand beside them, with their starters", async () => {
  await bring(join(dataDir, "stacks"), "deno");
  const { stacks, own, starterOf } = hostStacks(dataDir, {});
  expect(own).toEqual(["deno"]);
  expect(Object.keys(stacks)).toEqual(expect.arrayContaining(["deno", "node"]));
  expect(starterOf("deno")).toBe(join(dataDir, "stacks/starters/deno"));
});

test("the starter of a stack that is gone is refused by name, with where to put it back", async () => {
  const gone = /"deno", which this host has not/;
  expect(() => hostStacks(dataDir, {}).starterOf("deno")).toThrow(gone);
  await bring(join(dataDir, "stacks"), "zig");
  expect(() => hostStacks(dataDir, {}).starterOf("deno")).toThrow(gone);
});

test("SLIPWAY_STACKS names another folder, which has to be there", async () => {
  const folder = join(dataDir, "elsewhere");
  expect(() => hostStacks(dataDir, { SLIPWAY_STACKS: folder })).toThrow(/SLIPWAY_STACKS/);
  await bring(folder, "deno");
  expect(hostStacks(dataDir, { SLIPWAY_STACKS: folder })).toMatchObject({ own: ["deno"], folder });
});

test("what cannot be used is refused by name", async () => {
  const folder = join(dataDir, "stacks");
  await bring(folder, "node");
  expect(() => hostStacks(dataDir, {})).toThrow(/"node".*name of one of Slipway's/);
  await rm(folder, { recursive: true });
  await bring(folder, "deno");
  await rm(join(folder, "starters"), { recursive: true });
  expect(() => hostStacks(dataDir, {})).toThrow(/"deno".*no starter/);
  await writeFile(join(folder, "deno.yml"), "name: deno\n");
  expect(() => hostStacks(dataDir, {})).toThrow(/deno\.yml/);
});
