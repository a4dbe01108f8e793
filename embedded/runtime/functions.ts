/** The functions of a pushed app: what each is called, what kind it is, and how it is looked up. */
import { jsonToConvex, type JSONValue, type ValidatorJSON } from "convex/values";
import * as z from "zod";
import type { TableNameOfId } from "../values/validate.ts";
import { explainMismatch } from "../values/validate.ts";
import { explainOversizedResult } from "../values/resultLimits.ts";
import { explainMalformed } from "../values/wellFormed.ts";
import { FunctionFailedError, plainFailure } from "./errors.ts";

export type FunctionKind = "query" | "mutation" | "action";

export interface AppFunction {
  /** `messages.js`. */
  readonly module: string;
  /** `send`. */
  readonly name: string;
  /** `messages.js:send`, as `_scheduled_functions` and logs show it. */
  readonly path: string;
  readonly kind: FunctionKind;
  readonly visibility: "public" | "internal";
  readonly args: ValidatorJSON;
  readonly returns: ValidatorJSON | null;
}

/** What `query`, `mutation` and their like attach to a registered function. */
interface Registered {
  isQuery?: boolean;
  isMutation?: boolean;
  isAction?: boolean;
  isPublic?: boolean;
  isInternal?: boolean;
  exportArgs(): string;
  exportReturns(): string;
}

function kindOf(registered: Registered): FunctionKind | null {
  if (registered.isQuery === true) return "query";
  if (registered.isMutation === true) return "mutation";
  return registered.isAction === true ? "action" : null;
}

const vValidator = z.custom<ValidatorJSON>((value) => typeof value === "object" && value !== null);

/** Lists a module's functions. Runs the validators' exports, which may throw (an undefined validator, say). */
export function functionsOf(module: string, namespace: Record<string, unknown>): AppFunction[] {
  const found: AppFunction[] = [];
  for (const [name, value] of Object.entries(namespace)) {
    if (typeof value !== "function" && (typeof value !== "object" || value === null)) continue;
    const registered = value as Registered;
    const kind = kindOf(registered);
    if (kind === null) continue;
    const returns = vValidator.nullable().parse(JSON.parse(registered.exportReturns()));
    found.push({
      module,
      name,
      path: `${module}:${name}`,
      kind,
      visibility: registered.isPublic === true ? "public" : "internal",
      args: vValidator.parse(JSON.parse(registered.exportArgs())),
      returns,
    });
  }
  return found;
}

/** `messages:send`, `messages.js:send` and `messages` (its default export) in one form. */
export function canonicalPath(path: string): string {
  const colon = path.lastIndexOf(":");
  const module = colon === -1 ? path : path.slice(0, colon);
  const name = colon === -1 ? "default" : path.slice(colon + 1);
  return `${module.endsWith(".js") ? module : `${module}.js`}:${name}`;
}

/** `messages.js:send` as people write it: `messages:send`, and `messages` for a default export. */
export function displayPath(path: string): string {
  const canonical = canonicalPath(path);
  const colon = canonical.lastIndexOf(":");
  const module = canonical.slice(0, colon).replace(/\.js$/, "");
  const name = canonical.slice(colon + 1);
  return name === "default" ? module : `${module}:${name}`;
}

const KIND_NAMES: Record<FunctionKind, string> = { query: "Query", mutation: "Mutation", action: "Action" };

export class FunctionTable {
  readonly #byPath: ReadonlyMap<string, AppFunction>;

  constructor(functions: readonly AppFunction[]) {
    this.#byPath = new Map(functions.map((each) => [each.path, each]));
  }

  all(): AppFunction[] {
    return [...this.#byPath.values()];
  }

  has(path: string): boolean {
    return this.#byPath.has(canonicalPath(path));
  }

  /**
   * Finds a function to call. `kind` null allows every kind; internal ones need `allowInternal`.
   * @throws FunctionFailedError in Convex's words.
   */
  find(path: string, kind: FunctionKind | null, allowInternal: boolean): AppFunction {
    const found = this.#byPath.get(canonicalPath(path));
    if (found === undefined || (found.visibility === "internal" && !allowInternal)) {
      const sort = allowInternal ? "" : "public ";
      throw new FunctionFailedError(
        plainFailure(
          `Could not find ${sort}function for '${displayPath(path).slice(0, 200)}'. ` +
            "Did you forget to run `npx convex dev` or `npx convex deploy`?",
        ),
      );
    }
    if (kind !== null && found.kind !== kind) {
      throw new FunctionFailedError(
        plainFailure(
          `Trying to execute ${found.path} as ${KIND_NAMES[kind]}, but it is defined as ${KIND_NAMES[found.kind]}.`,
        ),
      );
    }
    return found;
  }
}

/** Checks a call's arguments. @throws FunctionFailedError `ArgumentValidationError: …`. */
export function checkArguments(fn: AppFunction, args: JSONValue, tableOf: TableNameOfId): void {
  const malformed = explainMalformed(args);
  if (malformed !== null)
    throw new FunctionFailedError(plainFailure(`Invalid arguments for ${fn.path}: ${malformed}`));
  let mismatch: string | null;
  try {
    const value = jsonToConvex(args);
    if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof ArrayBuffer) {
      mismatch = "Arguments for a Convex function must be an object.";
    } else {
      mismatch = explainMismatch(fn.args, value, tableOf);
    }
  } catch (error) {
    throw new FunctionFailedError(
      plainFailure(`Invalid arguments for ${fn.path}: ${(error as Error).message}`),
    );
  }
  if (mismatch !== null) throw new FunctionFailedError(plainFailure(`ArgumentValidationError: ${mismatch}`));
}

/** Checks what a function returned, as JSON text. @throws FunctionFailedError `ReturnsValidationError: …`. */
export function checkReturn(fn: AppFunction, json: string, tableOf: TableNameOfId): void {
  const oversized = explainOversizedResult(json);
  if (oversized !== null) {
    throw new FunctionFailedError(plainFailure(`Function ${fn.path} return value invalid: ${oversized}`));
  }
  if (fn.returns === null || fn.returns.type === "any") return;
  const mismatch = explainMismatch(fn.returns, jsonToConvex(JSON.parse(json) as JSONValue), tableOf);
  if (mismatch !== null) throw new FunctionFailedError(plainFailure(`ReturnsValidationError: ${mismatch}`));
}
