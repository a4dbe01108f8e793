/**
 * A transaction realm: a VM context with its own microtask queue in which queries and mutations run.
 * Because the database answers at once and the queue is drained before an evaluation returns, a function normally
 * runs to its end inside one synchronous evaluation: nothing interleaves with it, V8 can interrupt an endless loop,
 * and a nested call, which runs in a realm of its own, ends before its caller goes on.
 */
import { webcrypto, randomUUID } from "node:crypto";
import { inspect } from "node:util";
import vm from "node:vm";
import type { LinkedScript } from "../push/link.ts";
import { repairAsyncStack } from "./asyncStack.ts";
import { makeStackMapper, toFailure, type Failure, type StackMapper, type Thrown } from "./errors.ts";
import { LOCAL_GLOBALS, PRELUDE } from "./prelude.ts";

export type Answer = string | Failure;

/** What a running function can reach. */
export interface RealmHost {
  syscall(op: string, args: string): Answer;
  /** A promise only when something outside the database is waited for. */
  asyncSyscall(op: string, args: string): Answer | Promise<Answer>;
  log(level: string, text: string): void;
  /** Milliseconds since the epoch; the same during one function. */
  now(): number;
  /** Called when the function's promise settles, before anything it has left running goes on. */
  ended(): void;
}

export type Invocation =
  { readonly ok: true; readonly json: string } | { readonly ok: false; readonly failure: Failure };

interface Inside {
  load(): Thrown | null;
  modules(): Record<string, Record<string, unknown>>;
  invoke(kind: string, path: string, name: string, args: string): void;
  settle(ticket: number, failure: Failure | null, value: unknown): void;
  outstanding(): number;
  describe(thrown: unknown): Thrown;
}

const SCRIPT_NAME = "convex-transactions.js";
const OUTER_NAMES = [
  ...["ArrayBuffer", "DataView", "Int8Array", "Uint8Array", "Uint8ClampedArray", "Int16Array", "Uint16Array"],
  ...["Int32Array", "Uint32Array", "Float32Array", "Float64Array", "BigInt64Array", "BigUint64Array"],
  ...[
    "TextEncoder",
    "TextDecoder",
    "URL",
    "URLSearchParams",
    "Headers",
    "Request",
    "Response",
    "Blob",
    "atob",
    "btoa",
  ],
] as const;

/** What `outer` hands in: binary types are shared with Node, so that `instanceof` agrees on both sides. */
function outerGlobals(env: Readonly<Record<string, string>>): Record<string, unknown> {
  const shared = Object.fromEntries(
    OUTER_NAMES.map((name) => [name, (globalThis as Record<string, unknown>)[name]]),
  );
  return {
    ...shared,
    names: OUTER_NAMES,
    env: Object.isFrozen(env) ? env : Object.freeze({ ...env }),
    getRandomValues: <T extends ArrayBufferView>(array: T): T =>
      webcrypto.getRandomValues(array as never) as T,
    randomUUID: () => randomUUID(),
    structuredClone: (value: unknown) => structuredClone(value),
  };
}

/** Arguments of a `console` call as Convex prints them: strings in quotes, the rest inspected. */
export const formatLog = (args: readonly unknown[]): string =>
  args
    .map((arg) => (typeof arg === "string" ? `'${arg}'` : inspect(arg, { depth: 4, breakLength: Infinity })))
    .join(" ");

/** Compiled once per push, then run in each realm. */
export interface RealmCode {
  readonly script: LinkedScript;
  readonly mapper: StackMapper;
}

export const prepareCode = (script: LinkedScript): RealmCode => ({
  script,
  mapper: makeStackMapper(SCRIPT_NAME, script.map),
});

/** What a function that runs too long is told. */
export const timeoutMessage = (timeoutMs: number): string =>
  `Function execution timed out (maximum duration: ${timeoutMs / 1_000}s)`;

const invokeScript = new vm.Script("__enter()", { filename: "convex-enter.js" });

export class Realm {
  readonly #context: vm.Context;
  readonly #inside: Inside;
  readonly #mapper: StackMapper;
  readonly #wallTimeoutMs: number;
  readonly #global: { __enter?: () => void };
  #host: RealmHost | null = null;
  #outcome: Invocation | null = null;
  #onOutcome: ((outcome: Invocation) => void) | null = null;
  /** True when something of an ended function may still run here; such a realm must not be used again. */
  #spoiled = false;

  /** @throws Error when the app's modules throw while they load. */
  constructor(code: RealmCode, env: Readonly<Record<string, string>>, wallTimeoutMs: number) {
    this.#mapper = code.mapper;
    this.#wallTimeoutMs = wallTimeoutMs;
    this.#global = {};
    this.#context = vm.createContext(this.#global, { microtaskMode: "afterEvaluate" });
    const compile = (names: string[]): unknown =>
      vm.compileFunction(`let __modules;\n${code.script.code}\nreturn __modules;`, names, {
        parsingContext: this.#context,
        filename: SCRIPT_NAME,
        lineOffset: -1,
      });
    const prelude = new vm.Script(PRELUDE, { filename: "convex-prelude.js" }).runInContext(this.#context) as (
      bridge: object,
      outer: object,
      script: null,
      names: readonly string[],
      compile: (names: string[]) => unknown,
    ) => Inside;
    this.#inside = prelude(this.#bridge(), outerGlobals(env), null, LOCAL_GLOBALS, compile);
    let thrown: Thrown | null = null;
    const finished = runGuarded(wallTimeoutMs, () => {
      this.#enter(() => {
        thrown = this.#inside.load();
      });
    });
    if (!finished) throw new Error("Loading the app's modules takes too long.");
    if (thrown !== null) throw new Error(toFailure(thrown, this.#mapper).message);
  }

  get spoiled(): boolean {
    return this.#spoiled;
  }

  /** The app's modules by path; reading their exports runs no function. */
  get modules(): Record<string, Record<string, unknown>> {
    return this.#inside.modules();
  }

  /** Marks the realm as unusable, after its function was interrupted. */
  spoil(): void {
    this.#spoiled = true;
  }

  /** Runs `work` with the realm's microtask queue drained before it returns. */
  #enter(work: () => void): void {
    this.#global.__enter = work;
    invokeScript.runInContext(this.#context);
  }

  /**
   * Runs one function; `args` is the JSON text of `[args]`. The answer comes at once, unless the function waits for
   * something that is no database call (Web Crypto, or a nested function that does).
   */
  invoke(
    host: RealmHost,
    kind: "query" | "mutation",
    path: string,
    name: string,
    args: string,
  ): Invocation | Promise<Invocation> {
    this.#host = host;
    this.#outcome = null;
    this.#enter(() => this.#inside.invoke(kind, path, name, args));
    if (this.#outcome !== null) return this.#leave(this.#outcome);
    if (this.#inside.outstanding() === 0) {
      this.#spoiled = true;
      return this.#leave({
        ok: false,
        failure: { message: "Uncaught Error: The function awaits a promise that nothing will ever resolve." },
      });
    }
    return new Promise((resolve) => {
      this.#onOutcome = (outcome) => resolve(this.#leave(outcome));
    });
  }

  #leave(outcome: Invocation): Invocation {
    if (this.#inside.outstanding() > 0) this.#spoiled = true;
    this.#onOutcome = null;
    this.#host = null;
    return outcome;
  }

  /** Hands the answer of something asynchronous back in, if its function still runs. */
  #settleLater(
    ticket: number,
    host: RealmHost,
    answer: Promise<{ failure: Failure | null; value: unknown }>,
  ): void {
    void answer.then(({ failure, value }) => {
      if (this.#host !== host) return;
      const finished = runGuarded(this.#wallTimeoutMs, () => {
        this.#enter(() => this.#inside.settle(ticket, failure, value));
      });
      if (!finished) {
        this.#spoiled = true;
        this.#outcome = { ok: false, failure: { message: timeoutMessage(this.#wallTimeoutMs) } };
      }
      const onOutcome = this.#onOutcome;
      if (this.#outcome !== null) onOutcome?.(this.#outcome);
      else if (this.#inside.outstanding() === 0) {
        onOutcome?.({
          ok: false,
          failure: {
            message: "Uncaught Error: The function awaits a promise that nothing will ever resolve.",
          },
        });
      }
    });
  }

  #bridge(): object {
    const current = (): RealmHost => {
      if (this.#host === null) {
        throw new Error(
          "The Convex database and auth objects cannot be used while a module loads, or after its function ended.",
        );
      }
      return this.#host;
    };
    return {
      syscall: (op: string, args: string) => current().syscall(op, args),
      asyncSyscall: (op: string, args: string) => {
        const host = current();
        const answer = host.asyncSyscall(op, args);
        if (!(answer instanceof Promise)) return answer;
        return {
          later: (ticket: number) =>
            this.#settleLater(
              ticket,
              host,
              answer.then((settled) =>
                typeof settled === "string"
                  ? { failure: null, value: settled }
                  : { failure: settled, value: null },
              ),
            ),
        };
      },
      log: (level: string, args: unknown[]) => this.#host?.log(level, formatLog(args)),
      now: () => this.#host?.now() ?? 0,
      subtle: (ticket: number, method: string, args: unknown[]) => {
        const host = current();
        const call = (): Promise<unknown> =>
          (webcrypto.subtle as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>)[method]!(
            ...args,
          );
        const answer = Promise.resolve()
          .then(call)
          .then(
            (value) => ({ failure: null, value }),
            (error: unknown) => ({ failure: { message: (error as Error).message }, value: null }),
          );
        this.#settleLater(ticket, host, answer);
      },
      finish: (thrown: Thrown | null, result: string | null) => {
        this.#host?.ended();
        this.#outcome ??=
          thrown === null
            ? { ok: true, json: result ?? "null" }
            : { ok: false, failure: toFailure(thrown, this.#mapper) };
      },
    };
  }
}

const guardGlobal: { __work?: () => void } = {};
const guardContext = vm.createContext(guardGlobal);
const guardScript = new vm.Script("__work()", { filename: "convex-guard.js" });

/** Runs `work` and interrupts it, whatever it does, after `timeoutMs`. Returns false when it was interrupted. */
export function runGuarded(timeoutMs: number, work: () => void): boolean {
  guardGlobal.__work = work;
  try {
    guardScript.runInContext(guardContext, { timeout: timeoutMs });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    repairAsyncStack();
    return false;
  }
}

/** How long one watchdog is shared: starting one costs more than many a function. */
const SLICE_MS = 20;

/**
 * Calls `step` until it returns false, with one watchdog for many steps. When a step takes too long it is interrupted,
 * `interrupted` is called, and the next step follows.
 */
export function runSteps(timeoutMs: number, step: () => boolean, interrupted: () => void): void {
  let more = true;
  while (more) {
    const finished = runGuarded(timeoutMs, () => {
      const began = performance.now();
      do more = step();
      while (more && performance.now() - began < SLICE_MS);
    });
    if (!finished) interrupted();
  }
}
