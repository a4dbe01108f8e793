/**
 * Documents as a snapshot's `documents.jsonl` holds them, in the form that `"uniform"` in `generated_schema.jsonl`
 * announces: plain JSON in which `1` is an int64 and `1.0` a float64; bytes and non-finite floats keep Convex's own
 * encoding (`{"$bytes": …}`, `{"$float": …}`).
 */
import { convexToJson, type JSONValue, type Value } from "convex/values";

/** The one line of `generated_schema.jsonl` that names this format. */
export const UNIFORM = "uniform";

function printFloat(value: number): string {
  if (!Number.isFinite(value)) return JSON.stringify(convexToJson(value));
  if (Object.is(value, -0)) return "-0.0";
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/** One value as text. */
export function printValue(value: Value): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "number") return printFloat(value);
  if (value === null || typeof value === "boolean" || typeof value === "string") return JSON.stringify(value);
  if (value instanceof ArrayBuffer) return JSON.stringify(convexToJson(value));
  if (Array.isArray(value)) return `[${value.map(printValue).join(",")}]`;
  const fields = Object.entries(value as Record<string, Value | undefined>);
  const printed = fields.flatMap(([name, field]) =>
    field === undefined ? [] : [`${JSON.stringify(name)}:${printValue(field)}`],
  );
  return `{${printed.join(",")}}`;
}

/** Strings (to step over them) and numbers of a JSON text. */
const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const INTEGER = /^-?\d+$/;
const MIN_INT64 = -(2n ** 63n);
const MAX_INT64 = 2n ** 63n - 1n;

/** Parses the text of one value into Convex's JSON encoding. @throws SyntaxError when it is no JSON. */
export function parseUniform(text: string): JSONValue {
  const tagged = text.replace(STRING_OR_NUMBER, (token) => {
    // `-0` is a float: integers have one zero.
    if (!INTEGER.test(token) || token === "-0") return token;
    const value = BigInt(token);
    // Beyond 64 bits it can only be a float that another program has rewritten.
    if (value < MIN_INT64 || value > MAX_INT64) return token;
    return JSON.stringify(convexToJson(value));
  });
  return JSON.parse(tagged) as JSONValue;
}
