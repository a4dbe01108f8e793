import { expect, test } from "vitest";
import { projectSpec, STACKS, TEMPLATE } from "../../core/render/render.fixtures.ts";
import type { Engine } from "../engine/engine.ts";
import { Images } from "../images.ts";
import { planAnswer, previewPlan, type PreviewContext } from "./previewPlan.ts";
import { printPlan } from "./operation.ts";

/** An engine on which there is nothing, and which can only be looked at. */
function emptyHost(): { context: PreviewContext; calls: string[] } {
  const calls: string[] = [];
  const engine = new Proxy({} as Engine, {
    get: (_target, call: string) => async () => {
      calls.push(call);
      if (call.startsWith("list")) return [];
      if (call === "hasImage") return true;
      throw new Error(`A look must not ${call}.`);
    },
  });
  const images = new Images(engine);
  return {
    context: { engine, images, stacks: STACKS, attachments: {}, template: TEMPLATE, instanceId: "abcd1234" },
    calls,
  };
}

test("a preview looks and does nothing, and is the plan that a turn would make", async () => {
  const { context, calls } = emptyHost();
  const operations = await previewPlan(context, projectSpec());
  expect(operations.length).toBeGreaterThan(3);
  expect(new Set(calls)).toEqual(new Set(["listContainers", "listNetworks", "listVolumes", "hasImage"]));
});

test("an answer names each step, what comes before it and why, and nothing that a container is made of", async () => {
  const { context } = emptyHost();
  const spec = projectSpec();
  spec.manifest = { ...spec.manifest, env: { ...spec.manifest.env, COLOUR: "never-shown" } };
  const operations = await previewPlan(context, spec);
  expect(JSON.stringify(operations)).toContain("never-shown");
  const { operations: steps, text } = planAnswer(operations);
  expect(JSON.stringify(steps)).not.toContain("never-shown");
  expect(text).toBe(printPlan(operations));
  const ids = new Set(steps.map(({ id }) => id));
  expect(ids.size).toBe(steps.length);
  expect(steps.every(({ after }) => after.every((id) => ids.has(id)))).toBe(true);
  for (const [index, { kind, object, cause }] of steps.entries()) {
    expect(text.split("\n")[index]).toContain(`${kind} ${object}`);
    expect(text.split("\n")[index]).toContain(cause);
  }
});

test("what is known besides changes what is planned", async () => {
  const { context } = emptyHost();
  const without = await previewPlan(context, projectSpec());
  const starts = without.filter(({ do: what }) => what === "start container").map(({ target }) => target);
  expect(starts.length).toBeGreaterThan(0);
  const held = new Map(starts.map((name) => [name, "it crashes"]));
  const known = await previewPlan(context, projectSpec(), async (_rendered, found) => ({ found, held }));
  expect(known.filter(({ do: what }) => what === "start container")).toEqual([]);
});

test("a project that cannot be rendered says why", async () => {
  const { context } = emptyHost();
  await expect(previewPlan({ ...context, stacks: {} }, projectSpec())).rejects.toThrow(/stack/);
});
