/**
 * Actions and HTTP actions. They run in Node's own realm, many at a time, with `fetch`, timers and packages; what they
 * ask of the backend is bound to the right action by AsyncLocalStorage.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import { createRequire } from "node:module";
import path from "node:path";
import vm from "node:vm";
import type { LinkedScript } from "../push/link.ts";
import type { ActionHost } from "./actionHost.ts";
import { makeStackMapper, toFailure, type Failure, type StackMapper, type Thrown } from "./errors.ts";
import { formatLog, runGuarded, type Invocation } from "./realm.ts";

const SCRIPT_NAME = "convex-actions.js";

interface RegisteredAction {
  invokeAction(requestId: string, args: string): Promise<string>;
}

interface RegisteredHttpAction {
  invokeHttpAction(request: Request): Promise<Response>;
}

/** What `export default httpRouter()` offers. */
export interface HttpRouter {
  lookup(path: string, method: string): [RegisteredHttpAction, string, string] | null;
  getRoutes(): [path: string, method: string, handler: unknown][];
}

export type HttpOutcome =
  { readonly ok: true; readonly response: Response } | { readonly ok: false; readonly failure: Failure };

function describe(thrown: unknown): Thrown {
  if (typeof thrown !== "object" || thrown === null)
    return { name: "Error", message: String(thrown), stack: "" };
  const error = thrown as Partial<Error> & { data?: unknown };
  const out = {
    name: String(error.name ?? "Error"),
    message: String(error.message),
    stack: String(error.stack ?? ""),
  };
  return Symbol.for("ConvexError") in thrown && typeof error.data === "string"
    ? { ...out, data: error.data }
    : out;
}

const toError = (failure: Failure): Error =>
  Object.assign(new Error(failure.message), failure.data === undefined ? {} : { data: failure.data });

export class ActionRuntime {
  readonly #current = new AsyncLocalStorage<ActionHost>();
  readonly #loadTimeoutMs: number;
  readonly #script: LinkedScript;
  readonly #nodeRoot: string | null;
  readonly #mapper: StackMapper;
  readonly #modules: Record<string, Record<string, unknown>>;

  /**
   * Loads every module of the app. `nodeRoot` is where `"use node"` files find installed packages.
   * @throws Error when a module throws while it loads, or takes longer than `loadTimeoutMs`.
   */
  constructor(
    script: LinkedScript,
    env: () => Readonly<Record<string, string>>,
    nodeRoot: string | null,
    loadTimeoutMs: number,
  ) {
    this.#loadTimeoutMs = loadTimeoutMs;
    this.#script = script;
    this.#nodeRoot = nodeRoot;
    this.#mapper = makeStackMapper(SCRIPT_NAME, script.map);
    const parameters: Record<string, unknown> = {
      require: createRequire(path.join(nodeRoot ?? process.cwd(), "package.json")),
      module: { exports: {} },
      Convex: this.#convex(),
      console: this.#console(),
      process: new Proxy(process, {
        // The server's own environment holds its secrets; an app sees the deployment's variables only.
        get: (target, key) => (key === "env" ? env() : Reflect.get(target, key, target)),
      }),
    };
    const run = vm.compileFunction(
      `let __modules;\n${script.code}\nreturn __modules;`,
      Object.keys(parameters),
      {
        filename: SCRIPT_NAME,
        lineOffset: -1,
      },
    ) as (...values: unknown[]) => Record<string, Record<string, unknown>>;
    let modules: Record<string, Record<string, unknown>> | null = null;
    try {
      runGuarded(loadTimeoutMs, () => {
        modules = run(...Object.values(parameters));
      });
    } catch (error) {
      throw new Error(toFailure(describe(error), this.#mapper).message, { cause: error });
    }
    if (modules === null) throw new Error("Loading the app's modules takes too long.");
    this.#modules = modules;
  }

  /** The same modules loaded anew, because what they read of the environment while they load has changed. */
  again(env: () => Readonly<Record<string, string>>): ActionRuntime {
    return new ActionRuntime(this.#script, env, this.#nodeRoot, this.#loadTimeoutMs);
  }

  get modules(): Record<string, Record<string, unknown>> {
    return this.#modules;
  }

  /** Runs one action; `args` is the JSON text of `[args]`. */
  async invoke(host: ActionHost, module: string, name: string, args: string): Promise<Invocation> {
    const action = this.#modules[module]?.[name] as RegisteredAction;
    try {
      const json = await this.#current.run(host, () => action.invokeAction(host.caller.meta.requestId, args));
      return { ok: true, json };
    } catch (error) {
      return { ok: false, failure: toFailure(describe(error), this.#mapper) };
    }
  }

  /** Runs the HTTP action that `request` is routed to; null when there is no route. */
  async http(host: ActionHost, router: HttpRouter, request: Request): Promise<HttpOutcome | null> {
    const method = request.method === "HEAD" ? "GET" : request.method;
    const route = router.lookup(new URL(request.url).pathname, method);
    if (route === null) return null;
    try {
      const response = await this.#current.run(host, () => route[0].invokeHttpAction(request));
      if (!(response instanceof Response)) throw new TypeError("An HTTP action must return a Response.");
      return { ok: true, response };
    } catch (error) {
      return { ok: false, failure: toFailure(describe(error), this.#mapper) };
    }
  }

  #host(): ActionHost {
    const host = this.#current.getStore();
    if (host === undefined) throw new Error("The Convex backend can be reached only while an action runs.");
    return host;
  }

  #convex(): object {
    return {
      syscall: (op: string) => {
        throw new Error(`Operation ${op} is not available in actions.`);
      },
      asyncSyscall: async (op: string, args: string): Promise<string> => {
        const answer = await this.#host().asyncSyscall(op, args);
        if (typeof answer === "string") return answer;
        throw toError(answer);
      },
      jsSyscall: (op: string, args: Record<string, unknown>) => this.#host().jsSyscall(op, args),
    };
  }

  #console(): object {
    const print =
      (level: string) =>
      (...args: unknown[]): void =>
        this.#current.getStore()?.log(level, formatLog(args));
    return {
      ...{ log: print("LOG"), info: print("INFO"), warn: print("WARN"), error: print("ERROR") },
      ...{ debug: print("DEBUG"), trace: print("DEBUG"), table: print("LOG"), dir: print("LOG") },
      assert: (ok: unknown, ...args: unknown[]) => {
        if (!ok) print("ERROR")("Assertion failed", ...args);
      },
      ...Object.fromEntries(
        ["group", "groupEnd", "groupCollapsed", "time", "timeEnd", "timeLog", "count"].map((name) => [
          name,
          () => {},
        ]),
      ),
    };
  }
}
