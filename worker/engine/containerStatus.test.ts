import { expect, test } from "vitest";
import { containerState, parseStatus } from "./containerStatus.ts";

test.each([
  ["Up 2 minutes (healthy)", { health: "healthy", exitCode: null }],
  ["Up 1 second (health: starting)", { health: "starting", exitCode: null }],
  ["Up About an hour (unhealthy)", { health: "unhealthy", exitCode: null }],
  ["Up 3 hours", { health: "none", exitCode: null }],
  ["Up 3 hours (Paused)", { health: "none", exitCode: null }],
  ["Exited (137) 3 seconds ago", { health: "none", exitCode: 137 }],
  ["Exited (0) Less than a second ago", { health: "none", exitCode: 0 }],
  ["Restarting (1) 4 seconds ago", { health: "none", exitCode: 1 }],
  ["Created", { health: "none", exitCode: null }],
  ["", { health: "none", exitCode: null }],
])("%s", (status, expected) => {
  expect(parseStatus(status)).toEqual(expected);
});

test("a state of tomorrow's engine is not relied on", () => {
  expect(containerState("running")).toBe("running");
  expect(containerState("frozen")).toBe("dead");
});
