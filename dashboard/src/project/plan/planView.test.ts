import { expect, test } from "vitest";
import { groupsOf, vPlan } from "./planView.ts";

const plan = (operations: unknown[]) => vPlan.parse({ operations, text: "" });

test("neighbours with one cause stand together, and the order is kept", () => {
  const groups = groupsOf(
    plan([
      { id: "net", kind: "create network", object: "n", cause: "it is missing", after: [] },
      { id: "vol", kind: "create volume", object: "v", cause: "it is missing", after: [] },
      { id: "app", kind: "create container", object: "c", cause: "wanted", after: ["vol", "net"] },
      { id: "go", kind: "start container", object: "c", cause: "it is missing", after: ["app"] },
    ]),
  );
  expect(groups.map(({ cause, steps }) => [cause, steps.map(({ number }) => number)])).toEqual([
    ["it is missing", [1, 2]],
    ["wanted", [3]],
    ["it is missing", [4]],
  ]);
  expect(groups[1]!.steps[0]!.after).toEqual([1, 2]);
});

test("without ids, what comes before is counted", () => {
  const [group] = groupsOf(
    plan([
      { kind: "create container", object: "c", cause: "x", after: [] },
      { kind: "start container", object: "c", cause: "x", after: [1] },
    ]),
  );
  expect(group!.steps[1]!.after).toEqual([1]);
});

test("nothing to do is no group", () => {
  expect(groupsOf(plan([]))).toEqual([]);
});

test("what is no plan is refused", () => {
  expect(vPlan.safeParse({ operations: [{ kind: 1 }], text: "" }).success).toBe(false);
});
