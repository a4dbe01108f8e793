/**
 * Runs queries and mutations inside one transaction: the root function, and those it calls with `ctx.runQuery` and
 * `ctx.runMutation`, each in the realm of its depth.
 */
import type { JSONValue } from "convex/values";
import type { Caller } from "./request.ts";
import { FunctionFailedError, plainFailure, type Failure } from "./errors.ts";
import { checkArguments, checkReturn, type AppFunction } from "./functions.ts";
import type { LoadedApp } from "./app.ts";
import { timeoutMessage, type Invocation } from "./realm.ts";
import { TransactionHost } from "./transactionHost.ts";
import type { Transaction } from "./transaction.ts";

/** State shared by all functions of one transaction. */
export interface TransactionRoot {
  readonly app: LoadedApp;
  readonly tx: Transaction;
  readonly caller: Caller;
  /** Milliseconds since the epoch at which the transaction began; the `Date.now()` of all its functions. */
  readonly now: number;
  readonly logLines: string[];
  /** Where the page of a paginated query must end, from an earlier run. */
  readonly journal: string | null;
  /** Where this run's page ended. */
  nextJournal: string | null;
  usedIdentity: boolean;
  /** Milliseconds spent in the backend on behalf of functions, which are not the functions' own time. */
  backendMs: number;
  readonly startedAt: number;
  /** Operations of other parts (files) by name; each answers with JSON text. */
  readonly operations: TransactionOperations;
  readonly userTimeoutMs: number;
}

export type TransactionOperations = Readonly<
  Record<string, (tx: Transaction, nowMs: number, args: unknown) => string>
>;

export const MAX_DEPTH = 16;

const failed = (failure: Failure): Invocation => ({ ok: false, failure });

/** Milliseconds of its own that the transaction's code has run. */
export const ownTime = (root: TransactionRoot): number => performance.now() - root.startedAt - root.backendMs;

export function assertWithinTime(root: TransactionRoot): void {
  if (ownTime(root) > root.userTimeoutMs) {
    throw new Error(timeoutMessage(root.userTimeoutMs));
  }
}

/** Runs `fn` at `depth` (0 is the root). Failures come back as values; nothing is thrown but for our own bugs. */
export function callInTransaction(
  root: TransactionRoot,
  fn: AppFunction,
  args: JSONValue,
  depth: number,
): Invocation | Promise<Invocation> {
  try {
    if (depth >= MAX_DEPTH) {
      throw new FunctionFailedError(
        plainFailure(`Functions call each other too deeply (maximum depth: ${MAX_DEPTH})`),
      );
    }
    checkArguments(fn, args, root.tx.tableOf);
  } catch (error) {
    if (error instanceof FunctionFailedError) return failed(error.failure);
    throw error;
  }
  const host = new TransactionHost(root, fn, depth);
  const realm = root.app.realms.take(depth);
  const outcome = realm.invoke(
    host,
    fn.kind as "query" | "mutation",
    fn.module,
    fn.name,
    JSON.stringify([args]),
  );
  const finish = (invocation: Invocation): Invocation => {
    if (realm.spoiled) root.app.realms.discard(realm);
    if (!invocation.ok) return invocation;
    try {
      assertWithinTime(root);
      checkReturn(fn, invocation.json, root.tx.tableOf);
      return invocation;
    } catch (error) {
      if (error instanceof FunctionFailedError) return failed(error.failure);
      return failed(plainFailure((error as Error).message));
    }
  };
  const waiting = host.unfinishedChildren();
  if (!(outcome instanceof Promise) && waiting === null) return finish(outcome);
  // A child that was not awaited still owns a savepoint: the parent ends after it.
  return Promise.resolve(outcome).then(async (invocation) => {
    await host.unfinishedChildren();
    return finish(invocation);
  });
}

/** Runs a nested call; a failed mutation leaves no trace in the database. */
export function callNested(
  root: TransactionRoot,
  fn: AppFunction,
  args: JSONValue,
  depth: number,
): Invocation | Promise<Invocation> {
  if (fn.kind !== "mutation") return callInTransaction(root, fn, args, depth);
  const savepoint = root.tx.savepoint();
  const settle = (invocation: Invocation): Invocation => {
    if (invocation.ok) savepoint.release();
    else savepoint.undo();
    return invocation;
  };
  const outcome = callInTransaction(root, fn, args, depth);
  return outcome instanceof Promise ? outcome.then(settle) : settle(outcome);
}
