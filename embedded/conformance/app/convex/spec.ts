/** Queries and writes as data, so that a case, or a random program, can ask for any of them. */
import type { Value } from "convex/values";
import type { TableNames } from "./_generated/dataModel";

/** A value, or the absence of a field. */
export type Operand = { value: Value } | { missing: true };

export type Expression =
  | { op: "eq" | "neq" | "lt" | "lte" | "gt" | "gte"; left: Expression; right: Expression }
  | { op: "add" | "sub" | "mul" | "div" | "mod"; left: Expression; right: Expression }
  | { op: "and" | "or"; all: Expression[] }
  | { op: "not" | "neg"; of: Expression }
  | { op: "field"; path: string }
  | ({ op: "literal" } & Operand);

export type RangeStep = { op: "eq" | "gt" | "gte" | "lt" | "lte"; field: string } & Operand;

export type Terminal =
  | { kind: "collect" | "first" | "unique" | "count" }
  | { kind: "take"; n: number }
  | { kind: "iterate"; stopAfter: number }
  | {
      kind: "paginate";
      numItems: number;
      cursor: string | null;
      endCursor?: string;
      maximumRowsRead?: number;
    };

export interface QuerySpec {
  table: TableNames;
  index?: string;
  range?: RangeStep[];
  order?: "asc" | "desc";
  filter?: Expression;
  limitFirst?: number;
  terminal: Terminal;
}

/** One write; documents are named by their `label`. */
export type WriteSpec =
  | { op: "insert"; table: "items" | "loose"; document: Record<string, Value> }
  | {
      op: "patch" | "replace";
      table: "items" | "loose";
      label: string;
      document: Record<string, Value>;
      unset?: string[];
    }
  | { op: "delete"; table: "items" | "loose"; label: string };
