import { expect, test } from "vitest";
import type { ReleaseSpec, RolloutSpec } from "../core/projectSpec.ts";
import { projectSpec } from "../core/render/render.fixtures.ts";
import { vProjectSpec } from "./projectSpecSchema.ts";

test("what the control plane knows of a rollout reaches the worker", () => {
  const spec = projectSpec({}, [{ kind: "deploy" }]);
  const release: ReleaseSpec = {
    ...{ releaseId: "r2", number: 2, snapshot: "a".repeat(64), manifest: spec.manifest },
    result: { exitCode: 0, timedOut: false, durationMs: 1, services: [] },
  };
  const rollout: RolloutSpec = {
    live: "r1",
    kept: { number: 1 },
    canary: { release, percent: 10 },
    replicas: { app: 3 },
    attempt: 2,
    undone: { id: "r-loyw3v28", revisions: "app:1a2b3c4d", attempt: 2, cause: "app stopped answering." },
  };
  const environments = [{ ...spec.environments[0]!, release, rollout }];
  const parsed = vProjectSpec.parse({ ...spec, environments });
  expect(parsed.environments).toEqual(environments);
});
