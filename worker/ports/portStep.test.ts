import { describe, expect, test } from "vitest";
import type { EnvironmentSpec } from "../../core/projectSpec.ts";
import { projectSpec } from "../../core/render/render.fixtures.ts";
import { losesPorts } from "./portStep.ts";

const PUBLISHED = { services: { app: { stack: "node", route: "/", publish: true } } };
const told = (phase: "running" | "starting") => [{ kind: "dev" as const, phase }];

function specOf(manifest: object, more: Partial<EnvironmentSpec> = {}) {
  return projectSpec(manifest, [{ kind: "dev", ports: { app: 30_000 }, ...more }]);
}

describe("an environment whose port nothing asks for any more", () => {
  const spec = specOf({});

  test("loses it as soon as it is told that it runs", () => {
    expect(losesPorts(spec, told("running"))).toBe(true);
  });

  test("has it still while it does not run yet", () => {
    expect(losesPorts(spec, told("starting"))).toBe(false);
  });
});

test("a port that is asked for stays, by the manifest of what the environment runs", () => {
  expect(losesPorts(specOf(PUBLISHED), told("running"))).toBe(false);
  const { manifest } = projectSpec(PUBLISHED);
  const release = { releaseId: "r1", number: 1, snapshot: null, manifest, result: null };
  expect(losesPorts(specOf({}, { release }), told("running"))).toBe(false);
});
