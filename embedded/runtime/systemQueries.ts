/** Queries that Convex's own tools ask (`_system/…`): the backend answers them itself, for the admin key only. */
import type { JSONValue } from "convex/values";
import { isAdmin, type Identity } from "../auth/identity.ts";
import { FunctionFailedError, plainFailure } from "./errors.ts";
import { canonicalPath } from "./functions.ts";
import type { Transaction } from "./transaction.ts";

/**
 * Answers with JSON text. What it reads through `tx` is recorded, so that a subscription to it is live; it runs again
 * after every push and every change of the environment too.
 */
export type SystemQuery = (tx: Transaction, args: JSONValue) => string;

/** By canonical path: `_system/cli/tables.js:default`. */
export type SystemQueries = Readonly<Record<string, SystemQuery>>;

export const isSystemPath = (path: string): boolean => path.startsWith("_system/");

/**
 * The query at `path`.
 * @throws FunctionFailedError without the admin key, and for a query this backend does not have.
 */
export function findSystemQuery(
  queries: ReadonlyMap<string, SystemQuery>,
  path: string,
  identity: Identity,
): SystemQuery {
  if (!isAdmin(identity)) throw new FunctionFailedError(plainFailure("System functions need the admin key."));
  const found = queries.get(canonicalPath(path));
  if (found !== undefined) return found;
  const shown = path.slice(0, 200);
  throw new FunctionFailedError(plainFailure(`System function ${shown} is not supported by this backend.`));
}
