/** What `items` must hold and what a query must answer, told without a database: a list, scanned and sorted. */
import { compareValues, type Value } from "convex/values";
import type { Expression, Operand, QuerySpec, RangeStep, WriteSpec } from "../conformance/app/convex/spec.ts";

export type Document = Record<string, Value>;
/** Documents in the order of their creation; the same document stays in its place when it changes. */
export type State = readonly Document[];

const INDEXES: Record<string, string[]> = {
  by_label: ["label"],
  by_group_and_rank: ["group", "rank"],
  by_value: ["value"],
  by_at: ["at.x", "at.y"],
};

const read = (document: Document, path: string): Value | undefined => {
  let current: Value | undefined = document;
  for (const step of path.split(".")) {
    if (typeof current !== "object" || current === null || Array.isArray(current)) return undefined;
    current = (current as Document)[step];
  }
  return current;
};

const operand = (given: Operand): Value | undefined => ("missing" in given ? undefined : given.value);

const tests: Record<string, (order: number) => boolean> = {
  eq: (order) => order === 0,
  neq: (order) => order !== 0,
  lt: (order) => order < 0,
  lte: (order) => order <= 0,
  gt: (order) => order > 0,
  gte: (order) => order >= 0,
};

function evaluate(document: Document, expression: Expression): Value | undefined {
  switch (expression.op) {
    case "field":
      return read(document, expression.path);
    case "literal":
      return operand(expression);
    case "and":
      return expression.all.every((each) => evaluate(document, each) === true);
    case "or":
      return expression.all.some((each) => evaluate(document, each) === true);
    case "not":
      return evaluate(document, expression.of) !== true;
    case "eq":
    case "neq":
    case "lt":
    case "lte":
    case "gt":
    case "gte":
      return tests[expression.op]!(
        compareValues(evaluate(document, expression.left), evaluate(document, expression.right)),
      );
    default:
      throw new Error(`the oracle does not calculate: ${expression.op}`);
  }
}

const inRange = (document: Document, step: RangeStep): boolean =>
  tests[step.op]!(compareValues(read(document, step.field), operand(step)));

/** The answer of a query in a state, without ids and creation times. */
export function answer(state: State, spec: QuerySpec): unknown {
  const paths = INDEXES[spec.index ?? ""] ?? [];
  const rows = state
    .map((document, place) => ({ document, place }))
    .filter(({ document }) => (spec.range ?? []).every((step) => inRange(document, step)))
    .sort((a, b) => {
      for (const path of paths) {
        const order = compareValues(read(a.document, path), read(b.document, path));
        if (order !== 0) return order;
      }
      return a.place - b.place;
    })
    .map(({ document }) => document);
  if (spec.order === "desc") rows.reverse();
  const { filter, terminal } = spec;
  const found = filter === undefined ? rows : rows.filter((document) => evaluate(document, filter) === true);
  switch (terminal.kind) {
    case "collect":
      return found;
    case "count":
      return found.length;
    case "first":
      return found[0] ?? null;
    case "unique":
      return found.length > 1 ? { error: "notUnique" } : (found[0] ?? null);
    case "take":
      return found.slice(0, terminal.n);
    case "iterate":
      return found.slice(0, terminal.stopAfter);
    case "paginate":
      throw new Error("the oracle does not paginate");
  }
}

/** The state after one write. */
export function apply(state: State, write: WriteSpec): State {
  if (write.op === "insert") return [...state, write.document];
  const at = state.findIndex(({ label }) => label === write.label);
  if (at === -1) return state;
  if (write.op === "delete") return state.filter((_, i) => i !== at);
  const changed = write.op === "replace" ? write.document : { ...state[at]!, ...write.document };
  const unset = write.op === "patch" ? (write.unset ?? []) : [];
  const kept = Object.fromEntries(Object.entries(changed).filter(([name]) => !unset.includes(name)));
  return state.map((document, i) => (i === at ? kept : document));
}

/** A result of the backend without what it alone decides. */
export function withoutSystemFields(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(withoutSystemFields);
  if (typeof result !== "object" || result === null) return result;
  const { _id, _creationTime, ...fields } = result as Document;
  return fields;
}
