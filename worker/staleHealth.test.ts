import { expect, test } from "vitest";
import type { EngineContainer } from "./engine/engine.ts";
import { StaleHealth } from "./staleHealth.ts";

const container = { id: "c1", health: "unhealthy" } as EngineContainer;
const snapshot = { containers: [container], networks: [], volumes: [] };
const event = (action: string) => ({
  type: "container" as const,
  action,
  id: "c1",
  name: "app",
  labels: {},
  exitCode: null,
});

test("after a pause Docker's verdict counts again once it has looked anew", () => {
  const health = new StaleHealth();
  const verdict = () => health.correct(snapshot).containers[0]?.health;
  expect(verdict()).toBe("unhealthy");
  health.note(event("unpause"));
  expect(verdict()).toBe("starting");
  health.note(event("health_status: unhealthy"));
  expect(verdict()).toBe("unhealthy");
});
