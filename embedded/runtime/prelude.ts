/**
 * The code that runs first in a transaction realm: the globals that Convex's runtime offers to queries and mutations,
 * and the way in for the backend. It is text because it must be compiled inside the realm, where `Promise` and
 * `Error` are the realm's own.
 */

/** Globals handed to the app's script as parameters: a global lookup in a VM context is forty times slower. */
export const LOCAL_GLOBALS = [
  ...[
    "Convex",
    "console",
    "Object",
    "Array",
    "JSON",
    "Promise",
    "Math",
    "Number",
    "String",
    "Boolean",
    "Symbol",
  ],
  ...[
    "Map",
    "Set",
    "WeakMap",
    "WeakSet",
    "Error",
    "TypeError",
    "RangeError",
    "SyntaxError",
    "ReferenceError",
  ],
  ...[
    "Reflect",
    "Proxy",
    "BigInt",
    "Date",
    "RegExp",
    "parseInt",
    "parseFloat",
    "isNaN",
    "isFinite",
    "Function",
  ],
  ...[
    "ArrayBuffer",
    "DataView",
    "Uint8Array",
    "TextEncoder",
    "TextDecoder",
    "URL",
    "crypto",
    "fetch",
    "setTimeout",
  ],
];

export const PRELUDE = String.raw`(function (bridge, outer, scriptText, parameterNames, compile) {
  "use strict";
  const state = { pending: new Map(), next: 1 };

  const toError = (failure) => {
    const error = new Error(failure.message);
    if (failure.data !== undefined) error.data = failure.data;
    return error;
  };
  const later = (start) => new Promise((resolve, reject) => {
    const ticket = state.next++;
    state.pending.set(ticket, { resolve, reject });
    start(ticket);
  });

  for (const name of outer.names) globalThis[name] = outer[name];

  globalThis.Convex = {
    syscall(op, args) {
      const result = bridge.syscall(String(op), String(args));
      if (typeof result === "string") return result;
      throw toError(result);
    },
    asyncSyscall(op, args) {
      const result = bridge.asyncSyscall(String(op), String(args));
      if (typeof result === "string") return Promise.resolve(result);
      if (result.later !== undefined) return later(result.later);
      return Promise.reject(toError(result));
    },
    jsSyscall(op) {
      throw new Error("Not available in queries and mutations: " + op);
    },
  };

  const print = (level) => (...args) => bridge.log(level, args);
  globalThis.console = {
    log: print("LOG"), info: print("INFO"), warn: print("WARN"), error: print("ERROR"), debug: print("DEBUG"),
    trace: print("DEBUG"), assert: (ok, ...args) => { if (!ok) bridge.log("ERROR", ["Assertion failed", ...args]); },
    table: print("LOG"), dir: print("LOG"), group() {}, groupEnd() {}, time() {}, timeEnd() {}, timeLog() {}, count() {},
  };

  const forbidden = (name) => {
    globalThis[name] = function () {
      throw new Error("Can't use " + name + "() in queries and mutations. Please consider using an action. " +
        "See https://docs.convex.dev/functions/actions for more details.");
    };
  };
  for (const name of ["fetch", "setTimeout", "setInterval", "setImmediate"]) forbidden(name);
  globalThis.clearTimeout = globalThis.clearInterval = function () {};

  const RealDate = Date;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) =>
      Reflect.construct(target, args.length === 0 ? [bridge.now()] : args, newTarget === globalThis.Date ? target : newTarget),
    apply: () => new RealDate(bridge.now()).toString(),
    get: (target, key, receiver) => key === "now" ? bridge.now : Reflect.get(target, key, receiver),
  });

  const subtle = new Proxy({}, {
    get: (_target, method) => (...args) => later((ticket) => bridge.subtle(ticket, method, args)),
  });
  globalThis.crypto = { subtle, getRandomValues: outer.getRandomValues, randomUUID: outer.randomUUID };
  globalThis.process = { env: outer.env };
  globalThis.self = globalThis;
  globalThis.structuredClone = outer.structuredClone;

  const describe = (thrown) => {
    if (typeof thrown !== "object" || thrown === null) {
      return { name: "Error", message: String(thrown), stack: "" };
    }
    const out = { name: String(thrown.name || "Error"), message: String(thrown.message), stack: String(thrown.stack || "") };
    if (Symbol.for("ConvexError") in thrown && typeof thrown.data === "string") out.data = thrown.data;
    return out;
  };

  let modules = null;
  const methods = { query: "invokeQuery", mutation: "invokeMutation" };

  return {
    load() {
      const names = parameterNames.filter((name) => name in globalThis);
      try {
        modules = compile(names)(...names.map((name) => globalThis[name]));
        return null;
      } catch (thrown) {
        return describe(thrown);
      }
    },
    modules: () => modules,
    invoke(kind, path, name, args) {
      const finish = (thrown, result) => bridge.finish(thrown, result);
      try {
        modules[path][name][methods[kind]](args).then(
          (result) => finish(null, result),
          (thrown) => finish(describe(thrown), null),
        );
      } catch (thrown) {
        finish(describe(thrown), null);
      }
    },
    settle(ticket, failure, value) {
      const waiting = state.pending.get(ticket);
      state.pending.delete(ticket);
      if (waiting === undefined) return;
      if (failure === null) waiting.resolve(value);
      else waiting.reject(toError(failure));
    },
    outstanding: () => state.pending.size,
    describe,
  };
})`;
