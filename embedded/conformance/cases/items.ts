/** A few items, and short ways to ask for them. */
import type { Value } from "convex/values";
import { api } from "../app/convex/_generated/api.js";
import type { Expression, QuerySpec, RangeStep } from "../app/convex/spec.ts";
import type { Driver } from "../driver.ts";

export const ROWS: Record<string, Value>[] = [
  { label: "c", group: "g1", rank: 3, at: { x: 1, y: 2 } },
  { label: "a", group: "g1", rank: 1, at: { x: 1 } },
  { label: "b", group: "g1", rank: 2, at: { x: 0, y: 9 } },
  { label: "d", group: "g2", rank: 1 },
  { label: "e", group: "g2" },
  { label: "f", rank: 7 },
  { label: "g", group: "g1", rank: 2, at: { x: 2, y: 0 } },
];

export async function seed(t: Driver, rows: readonly Record<string, Value>[] = ROWS): Promise<void> {
  await t.mutation(api.rows.write, {
    writes: rows.map((document) => ({ op: "insert", table: "items", document })),
  });
}

export const withValues = (values: readonly (Value | undefined)[]): Record<string, Value>[] =>
  values.map((value, i) => ({
    label: String(i).padStart(2, "0"),
    ...(value === undefined ? {} : { value }),
  }));

export const find = (t: Driver, spec: QuerySpec): Promise<unknown> => t.query(api.rows.find, { spec });

export async function labels(
  t: Driver,
  spec: Omit<QuerySpec, "table" | "terminal"> & Partial<QuerySpec>,
): Promise<unknown> {
  const found = await find(t, { table: "items", terminal: { kind: "collect" }, ...spec });
  return (found as { label: string }[]).map(({ label }) => label).join(" ");
}

export const inGroup = (group: string): RangeStep => ({ op: "eq", field: "group", value: group });
export const rank = (op: RangeStep["op"], value: number): RangeStep => ({ op, field: "rank", value });
export const field = (path: string): Expression => ({ op: "field", path });
export const literal = (value: Value): Expression => ({ op: "literal", value });
export const compare = (
  op: "eq" | "neq" | "lt" | "lte" | "gt" | "gte",
  path: string,
  value: Value,
): Expression => ({
  ...{ op, left: field(path), right: literal(value) },
});

export const byGroup = { index: "by_group_and_rank" };
