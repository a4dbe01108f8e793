import { expect, test } from "vitest";
import { Crashes } from "./crashes.ts";
import type { EngineEvent } from "./engine/engine.ts";

const NAME = "project_1700000000000_abcdefgh-dev-app-1";
const NAMESPACE = "project_1700000000000_abcdefgh";

const event = (action: string, exitCode: number | null = null): EngineEvent => ({
  type: "container",
  action,
  id: "c1",
  name: NAME,
  labels: {},
  exitCode,
});

test("a container that ends by itself five times within two minutes is held, with its exit code as the cause", () => {
  const crashes = new Crashes();
  for (const at of [0, 1_000, 2_000, 3_000]) crashes.note(event("die", 1), at);
  expect(crashes.held(NAMESPACE, 3_000).size).toBe(0);
  crashes.note(event("die", 7), 4_000);
  expect(crashes.held(NAMESPACE, 4_000).get(NAME)).toBe(
    "it ended by itself 5 times within 2 minutes, the last time with exit code 7",
  );
  expect(crashes.held("project_1700000000000_other", 4_000).size).toBe(0);
});

test("it is tried again later, or once something new is wanted", () => {
  const crashes = new Crashes();
  for (let at = 0; at < 5; at += 1) crashes.note(event("die", 1), at);
  const release = crashes.nextRelease(NAMESPACE, 10)!;
  expect(crashes.held(NAMESPACE, release - 1).size).toBe(1);
  expect(crashes.held(NAMESPACE, release).size).toBe(0);
  for (let at = 0; at < 5; at += 1) crashes.note(event("die", 1), at);
  crashes.forgive(NAMESPACE);
  expect(crashes.held(NAMESPACE, 10).size).toBe(0);
});

test("ends far apart, and ends that somebody wanted, are no crash loop", () => {
  const crashes = new Crashes();
  for (let at = 0; at < 10; at += 1) crashes.note(event("die", 1), at * 60_000);
  for (let at = 700_000; at < 700_010; at += 1) {
    crashes.note(event("kill"), at);
    crashes.note(event("die", 137), at);
  }
  expect(crashes.held(NAMESPACE, 700_010).size).toBe(0);
});
