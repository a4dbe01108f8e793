/** Evaluates the expressions of `.filter()` on a document, ordering values as `compareValues` does. */
import { compareValues, jsonToConvex, type JSONValue, type Value } from "convex/values";
import type { Document } from "../storage/documents.ts";
import { readField } from "../values/keys.ts";

export type Predicate = (document: Document) => boolean;
type Expression = (document: Document) => Value | undefined;

const MAX_DEPTH = 256;

/** A value of a query's bound or literal: `{$undefined: null}` stands for a missing field. */
export function queryValue(json: JSONValue): Value | undefined {
  if (typeof json === "object" && json !== null && !Array.isArray(json) && "$undefined" in json)
    return undefined;
  return jsonToConvex(json);
}

const comparisons: Record<string, (order: number) => boolean> = {
  $eq: (order) => order === 0,
  $neq: (order) => order !== 0,
  $lt: (order) => order < 0,
  $lte: (order) => order <= 0,
  $gt: (order) => order > 0,
  $gte: (order) => order >= 0,
};

function arithmetic(operator: string, left: Value | undefined, right: Value | undefined): Value {
  const fail = (): never => {
    throw new Error(`\`${operator.slice(1)}\` in a filter needs two numbers of one kind`);
  };
  if (typeof left === "bigint" && typeof right === "bigint") {
    if (right === 0n && (operator === "$div" || operator === "$mod"))
      throw new Error("Division by zero in a filter");
    const results: Record<string, () => bigint> = {
      $add: () => left + right,
      $sub: () => left - right,
      $mul: () => left * right,
      $div: () => left / right,
      $mod: () => left % right,
    };
    return BigInt.asIntN(64, (results[operator] ?? fail)());
  }
  if (typeof left !== "number" || typeof right !== "number") return fail();
  const results: Record<string, () => number> = {
    $add: () => left + right,
    $sub: () => left - right,
    $mul: () => left * right,
    $div: () => left / right,
    $mod: () => left % right,
  };
  return (results[operator] ?? fail)();
}

/** Only `true` is true; a filter over something else is a mistake that Convex reports. */
function truth(value: Value | undefined): boolean {
  if (typeof value === "boolean") return value;
  if (value === null || value === undefined) return false;
  throw new Error("A filter's expression must be a boolean");
}

function compileList(json: JSONValue, depth: number): Expression[] {
  if (!Array.isArray(json)) throw new Error("Malformed filter expression");
  return json.map((child) => compile(child, depth + 1));
}

function compile(json: JSONValue, depth: number): Expression {
  if (depth > MAX_DEPTH) throw new Error("Filter expression is too deeply nested");
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw new Error("Malformed filter expression");
  const [operator, operand] = Object.entries(json)[0] ?? ["", null];
  const comparison = comparisons[operator];
  if (comparison !== undefined) {
    const [left, right] = compileList(operand, depth);
    if (left === undefined || right === undefined) throw new Error(`Malformed \`${operator}\` in a filter`);
    return (document) => comparison(compareValues(left(document), right(document)));
  }
  switch (operator) {
    case "$field": {
      const path = String(operand);
      return (document) => readField(document, path);
    }
    case "$literal": {
      const value = queryValue(operand);
      return () => value;
    }
    case "$and": {
      const children = compileList(operand, depth);
      return (document) => children.every((child) => truth(child(document)));
    }
    case "$or": {
      const children = compileList(operand, depth);
      return (document) => children.some((child) => truth(child(document)));
    }
    case "$not": {
      const child = compile(operand, depth + 1);
      return (document) => !truth(child(document));
    }
    case "$neg": {
      const child = compile(operand, depth + 1);
      return (document) => {
        const value = child(document);
        if (typeof value === "bigint") return BigInt.asIntN(64, -value);
        if (typeof value === "number") return -value;
        throw new Error("`neg` in a filter needs a number");
      };
    }
    case "$add":
    case "$sub":
    case "$mul":
    case "$div":
    case "$mod": {
      const [left, right] = compileList(operand, depth);
      if (left === undefined || right === undefined) throw new Error(`Malformed \`${operator}\` in a filter`);
      return (document) => arithmetic(operator, left(document), right(document));
    }
    default:
      throw new Error(`Unknown filter operator "${operator}"`);
  }
}

/** Compiles a serialized filter expression into a predicate. @throws Error when it is malformed. */
export function compileFilter(json: JSONValue): Predicate {
  const expression = compile(json, 0);
  return (document) => truth(expression(document));
}
