/** Checks a value against a validator's JSON form; the texts are those of Convex's server. */
import {
  CommitTsPlaceholder,
  compareValues,
  jsonToConvex,
  type ValidatorJSON,
  type Value,
} from "convex/values";
import { displayValidator, displayValue } from "./display.ts";

/** What a `v.id()` check needs to know: the name of the table an id belongs to, or null for no id at all. */
export type TableNameOfId = (id: string) => string | null;

const MAX_DEPTH = 64;

const isObject = (value: Value): value is Record<string, Value> =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  !(value instanceof ArrayBuffer) &&
  !(value instanceof CommitTsPlaceholder);

const withPath = (path: string): string => (path === "" ? "" : `Path: ${path}\n`);

function mismatch(validator: ValidatorJSON, value: Value, path: string): string {
  return (
    `Value does not match validator.\n${withPath(path)}` +
    `Value: ${displayValue(value)}\nValidator: ${displayValidator(validator)}`
  );
}

function checkObject(
  validator: Extract<ValidatorJSON, { type: "object" }>,
  value: Record<string, Value>,
  path: string,
  depth: number,
  tableOf: TableNameOfId,
): string | null {
  const where = (): string =>
    `\n\n${withPath(path)}Object: ${displayValue(value)}\nValidator: ${displayValidator(validator)}`;
  for (const [name, field] of Object.entries(validator.value)) {
    const inner = Object.hasOwn(value, name) ? value[name] : undefined;
    if (inner === undefined) {
      if (field.optional) continue;
      return (
        `Object is missing the required field \`${name}\`. Consider wrapping the field validator in ` +
        `\`v.optional(...)\` if this is expected.${where()}`
      );
    }
    const error = check(field.fieldType, inner, `${path}.${name}`, depth + 1, tableOf);
    if (error !== null) return error;
  }
  for (const name of Object.keys(value)) {
    if (value[name] !== undefined && !Object.hasOwn(validator.value, name)) {
      return `Object contains extra field \`${name}\` that is not in the validator.${where()}`;
    }
  }
  return null;
}

function checkId(
  validator: Extract<ValidatorJSON, { type: "id" }>,
  value: Value,
  path: string,
  tableOf: TableNameOfId,
): string | null {
  if (typeof value !== "string") return mismatch(validator, value, path);
  const table = tableOf(value);
  if (table === validator.tableName) return null;
  if (table === null) return mismatch(validator, value, path);
  return (
    `Found ID "${value}" from table \`${table}\`, which does not match the table name in validator ` +
    `\`v.id("${validator.tableName}")\`.\n${withPath(path)}` +
    `Value: ${displayValue(value)}\nValidator: ${displayValidator(validator)}`
  );
}

function check(
  validator: ValidatorJSON,
  value: Value,
  path: string,
  depth: number,
  tableOf: TableNameOfId,
): string | null {
  if (depth > MAX_DEPTH) return `Value is too deeply nested (maximum nesting: ${MAX_DEPTH})`;
  const matches = (ok: boolean): string | null => (ok ? null : mismatch(validator, value, path));
  switch (validator.type) {
    case "any":
      return null;
    case "null":
      return matches(value === null);
    case "number":
    case "boolean":
    case "string":
      return matches(typeof value === validator.type);
    case "bigint":
      return matches(typeof value === "bigint" || value instanceof CommitTsPlaceholder);
    case "bytes":
      return matches(value instanceof ArrayBuffer);
    case "literal":
      return matches(compareValues(value, jsonToConvex(validator.value)) === 0);
    case "id":
      return checkId(validator, value, path, tableOf);
    case "union":
      return matches(
        validator.value.some((member) => check(member, value, path, depth + 1, tableOf) === null),
      );
    case "array": {
      if (!Array.isArray(value)) return mismatch(validator, value, path);
      for (const [i, element] of value.entries()) {
        const error = check(validator.value, element, `${path}[${i}]`, depth + 1, tableOf);
        if (error !== null) return error;
      }
      return null;
    }
    case "record": {
      if (!isObject(value)) return mismatch(validator, value, path);
      for (const [name, inner] of Object.entries(value)) {
        const error =
          check(validator.keys, name, `${path}.${name}`, depth + 1, tableOf) ??
          check(validator.values.fieldType, inner, `${path}.${name}`, depth + 1, tableOf);
        if (error !== null) return error;
      }
      return null;
    }
    case "object":
      if (!isObject(value)) return mismatch(validator, value, path);
      return checkObject(validator, value, path, depth, tableOf);
    default:
      if ((validator as { type: string }).type === "commitTs") {
        return matches(typeof value === "bigint" || value instanceof CommitTsPlaceholder);
      }
      return `Unknown validator type "${(validator as { type: string }).type}"`;
  }
}

/**
 * Why `value` does not match `validator`, or null when it does.
 * The text names the path, the value and the validator, as Convex's server does.
 */
export function explainMismatch(
  validator: ValidatorJSON,
  value: Value,
  tableOf: TableNameOfId,
): string | null {
  return check(validator, value, "", 0, tableOf);
}
