import { expect, test } from "vitest";
import type { EnvironmentView } from "../environments.ts";
import { runningServices, terminalKinds } from "./terminalKinds.ts";

const container = (
  service: string,
  state: EnvironmentView["services"][number]["state"],
): EnvironmentView["services"][number] => ({
  service,
  replica: 1,
  containerId: service,
  state,
  health: "none",
  exitCode: null,
});
const environments = [
  { kind: "dev" as const, services: [container("app", "running"), container("db", "exited")] },
  { kind: "test" as const, services: [] },
  { kind: "deploy" as const, services: [container("app", "running")] },
];

test("terminals are where a container runs, and no agent has one in deploy", () => {
  expect(terminalKinds(environments, "admin")).toEqual(["dev", "deploy"]);
  expect(terminalKinds(environments, "agent")).toEqual(["dev"]);
});

test("a service with several replicas is named once, one that has ended not at all", () => {
  const services = [
    container("app", "running"),
    { ...container("app", "running"), replica: 2 },
    container("db", "exited"),
  ];
  expect(runningServices({ services })).toEqual(["app"]);
});
