import { expect, test } from "vitest";
import { SlipwayError } from "../core/errors.ts";
import type { EnvironmentObservation } from "../core/projectSpec.ts";
import { Presence } from "./presence.ts";
import { Reporter } from "./reporter.ts";

const seen = (
  phase: EnvironmentObservation["phase"],
  message = "",
  observedGeneration = 1,
): EnvironmentObservation => ({
  kind: "dev",
  observedGeneration,
  phase,
  conditions: [],
  services: [],
  endpoints: [],
  message,
});

function setUp() {
  const sent: string[] = [];
  let failure: Error | null = null;
  const presence = new Presence();
  const reporter = new Reporter(
    {
      report: async (_projectId, environments) => {
        if (failure) throw failure;
        sent.push(...environments.map(({ phase, message }) => `${phase} ${message}`.trim()));
      },
    },
    presence,
  );
  return { sent, presence, reporter, failWith: (error: Error | null) => (failure = error) };
}

const NOTHING = new Set<never>();

test("only what changed is told", async () => {
  const { sent, reporter } = setUp();
  for (const phase of ["starting", "starting", "running"] as const)
    await reporter.report("p", [seen(phase)], NOTHING);
  expect(sent).toEqual(["starting", "running"]);
});

test("what was sent without an answer may have been taken: what holds now is told again, changed or not", async () => {
  const { sent, reporter, failWith } = setUp();
  await reporter.report("p", [seen("running")], NOTHING);
  failWith(new Error("socket hang up"));
  await expect(reporter.report("p", [seen("starting")], NOTHING)).rejects.toThrow();
  failWith(null);
  await reporter.report("p", [seen("running")], NOTHING);
  await reporter.report("p", [seen("running")], NOTHING);
  expect(sent).toEqual(["running", "running"]);
});

test("what was never there and is not wanted is told only where somebody waits to hear of it", async () => {
  const { sent, reporter } = setUp();
  await reporter.report("p", [seen("absent", "", 0)], NOTHING);
  await reporter.report("p", [seen("failed", "what its group left is there yet", 0)], NOTHING);
  expect(sent).toEqual([]);
  await reporter.report("p", [seen("absent", "", 0)], new Set(["dev" as const]));
  expect(sent).toEqual(["absent"]);
});

test("what was wanted once and is gone is told once: a worker before this one may have said otherwise", async () => {
  const { sent, reporter } = setUp();
  await reporter.report("p", [seen("absent")], NOTHING);
  await reporter.report("p", [seen("absent")], NOTHING);
  expect(sent).toEqual(["absent"]);
});

test("what a control plane that is away did not hear is told when it is back", async () => {
  const { sent, presence, reporter, failWith } = setUp();
  failWith(new SlipwayError({ code: "deadline", message: "no answer" }));
  expect(await reporter.report("p", [seen("running")], NOTHING)).toEqual([]);
  expect(presence.isAway).toBe(true);
  failWith(null);
  await reporter.report("p", [seen("running")], NOTHING);
  expect(sent).toEqual([]);
  expect(presence.noteHeard()).toBe(true);
  await reporter.report("p", [seen("running")], NOTHING);
  expect(sent).toEqual(["running"]);
});

test("a refusal is an error", async () => {
  const { reporter, failWith } = setUp();
  failWith(new SlipwayError({ code: "stale_epoch", message: "another worker has this host" }));
  await expect(reporter.report("p", [seen("running")], NOTHING)).rejects.toThrow("another worker");
});
