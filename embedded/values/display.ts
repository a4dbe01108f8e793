/** Prints values and validators as Convex's server prints them in error messages. */
import { CommitTsPlaceholder, jsonToConvex, type Value, type ValidatorJSON } from "convex/values";

const MAX_DISPLAY = 2_000;

function printNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e21) return `${Object.is(value, -0) ? "-0" : value}.0`;
  return String(value);
}

function print(value: Value | undefined): string {
  if (value === undefined) return "undefined";
  if (value === null) return "null";
  if (typeof value === "number") return printNumber(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "boolean") return String(value);
  if (value instanceof CommitTsPlaceholder) return "commitTs";
  if (value instanceof ArrayBuffer) return `b"${Buffer.from(value).toString("base64")}"`;
  if (Array.isArray(value)) return `[${value.map(print).join(", ")}]`;
  const fields = Object.entries(value as Record<string, Value | undefined>);
  return `{${fields.map(([name, field]) => `${name}: ${print(field)}`).join(", ")}}`;
}

/** A value as text, cut at 2,000 characters. */
export function displayValue(value: Value | undefined): string {
  const text = print(value);
  return text.length > MAX_DISPLAY ? `${text.slice(0, MAX_DISPLAY)}…` : text;
}

/** A validator as the expression that makes it: `v.object({name: v.string()})`. */
export function displayValidator(validator: ValidatorJSON): string {
  switch (validator.type) {
    case "null":
    case "boolean":
    case "string":
    case "bytes":
    case "any":
      return `v.${validator.type}()`;
    case "number":
      return "v.float64()";
    case "bigint":
      return "v.int64()";
    case "id":
      return `v.id("${validator.tableName}")`;
    case "literal":
      return `v.literal(${print(jsonToConvex(validator.value))})`;
    case "array":
      return `v.array(${displayValidator(validator.value)})`;
    case "record":
      return `v.record(${displayValidator(validator.keys)}, ${displayValidator(validator.values.fieldType)})`;
    case "union":
      return `v.union(${validator.value.map(displayValidator).join(", ")})`;
    case "object": {
      const fields = Object.entries(validator.value).map(([name, field]) => {
        const inner = displayValidator(field.fieldType);
        return `${name}: ${field.optional ? `v.optional(${inner})` : inner}`;
      });
      return `v.object({${fields.join(", ")}})`;
    }
    default:
      return `v.${(validator as { type: string }).type}()`;
  }
}
