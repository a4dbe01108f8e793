import { expect, test } from "vitest";
import { groupsOf, vPlan } from "./planView.ts";

const operation = (id: string, cause: string, after: string[] = [], environment: string | null = "dev") => ({
  id,
  kind: "create container",
  object: id,
  environment,
  cause,
  after,
});
const plan = (operations: unknown[]) => vPlan.parse({ operations, text: "" });

test("neighbours with one cause stand together, and the order is kept", () => {
  const groups = groupsOf(
    plan([
      operation("net", "it is missing"),
      operation("vol", "it is missing"),
      operation("app", "wanted", ["vol", "net"]),
      operation("go", "it is missing", ["app"]),
    ]),
  );
  expect(groups.map(({ cause, steps }) => [cause, steps.map(({ number }) => number)])).toEqual([
    ["it is missing", [1, 2]],
    ["wanted", [3]],
    ["it is missing", [4]],
  ]);
  expect(groups[1]!.steps[0]!.after).toEqual([1, 2]);
});

test("what is for two environments stands apart", () => {
  const groups = groupsOf(plan([operation("a", "x", [], "dev"), operation("b", "x", [], "test")]));
  expect(groups.map(({ environment }) => environment)).toEqual(["dev", "test"]);
});

test("what is not in the plan any more is not waited for", () => {
  expect(groupsOf(plan([operation("a", "x", ["gone"])]))[0]!.steps[0]!.after).toEqual([]);
});

test("nothing to do is no group", () => {
  expect(groupsOf(plan([]))).toEqual([]);
});

test("what is no plan is refused", () => {
  expect(vPlan.safeParse({ operations: [{ kind: 1 }], text: "" }).success).toBe(false);
});
