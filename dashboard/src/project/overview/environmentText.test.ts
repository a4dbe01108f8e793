import { expect, test } from "vitest";
import { vManifest } from "../../../../core/manifest.ts";
import type { EnvironmentView } from "../environments.ts";
import { domainsOf, isBehind, limitsOf, runsIn, troubleOf } from "./environmentText.ts";

type Condition = EnvironmentView["conditions"][number];
const condition = (type: Condition["type"], status: Condition["status"], message: string): Condition => ({
  type,
  status,
  reason: "Because",
  message,
  changedAt: 0,
});

test("an absent environment is told when it will run", () => {
  expect(runsIn("dev")).toBe("development or testing");
  expect(runsIn("deploy")).toBe("deployment");
});

test("limits are the manifest's, defaults included", () => {
  const manifest = vManifest.parse({ name: "a", stack: "node", environments: { deploy: { replicas: 2 } } });
  expect(limitsOf(manifest, "dev")).toEqual({ cpus: 2, memory: "2g", disk: "10g", replicas: 1 });
  expect(limitsOf(manifest, "deploy")).toMatchObject({ memory: "1g", replicas: 2 });
  expect(limitsOf({ name: 7 }, "dev")).toBeNull();
});

test("a failure is told once, with what helps against its kind", () => {
  const trouble = troubleOf({
    kind: "dev",
    message: "There is no image nope:1. Look at its name.",
    conditions: [
      condition("Rendered", "true", "fine"),
      condition("ImagesReady", "false", "There is no image nope:1."),
      condition("Running", "false", "app: no container"),
    ],
  });
  expect(trouble.cause).toBe("There is no image nope:1. Look at its name.");
  expect(trouble.next).toContain("image");
});

test("a failure without a message is told by what does not hold", () => {
  const broken = [condition("Healthy", "false", "app answers 500")];
  const trouble = troubleOf({ kind: "test", message: "", conditions: broken });
  expect(trouble).toMatchObject({ cause: "app answers 500" });
  expect(trouble.next).toContain("logs");
});

test("an environment is behind until its newest generation was seen", () => {
  expect(isBehind({ generation: 3, observedGeneration: 2 })).toBe(true);
  expect(isBehind({ generation: 3, observedGeneration: 3 })).toBe(false);
});

test("the project's domains lead to what its users see, and to nothing else", () => {
  const manifest = { name: "shop", stack: "node", domains: ["shop.example.com"] };
  expect(domainsOf(manifest, "deploy")).toEqual(["shop.example.com"]);
  expect(domainsOf(manifest, "dev")).toEqual([]);
  expect(domainsOf({ name: "shop", stack: "node" }, "deploy")).toEqual([]);
});
