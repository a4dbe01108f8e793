import { expect, test } from "vitest";
import { progressOf, replicasOf } from "./progress.ts";

const seen = (service: string, state: string, health: string) => ({ service, state, health });

test("with nothing seen the containers are still to come", () => {
  expect(progressOf([])).toEqual({ words: "Its containers are being made.", isReady: false });
});

test("one without a health check is ready once it runs", () => {
  expect(progressOf([seen("web", "running", "none"), seen("api", "running", "starting")])).toEqual({
    words: "1 of 2 containers are ready.",
    isReady: false,
  });
});

test("all healthy is ready", () => {
  expect(progressOf([seen("web", "running", "healthy")]).isReady).toBe(true);
});

test("replicas are counted where they run", () => {
  const services = [
    seen("web", "running", "healthy"),
    seen("web", "exited", "none"),
    seen("api", "running", "none"),
  ];
  expect(replicasOf(services, "web")).toBe(1);
});
