/** `convex-test` as a driver: a new, empty backend each time. */
import { convexTest } from "convex-test";
import type { Caller, Driver } from "./driver.ts";
import schema from "./app/convex/schema.ts";

/** The app's modules as `convex-test` wants them: each path with what loads it. */
export type Modules = Record<string, () => Promise<unknown>>;

export function convexTestDriver(modules: Modules): Driver {
  const root = convexTest({ schema, modules });
  const callerOf = (t: unknown): Caller => t as Caller;
  return {
    name: "convex-test",
    ...callerOf(root),
    internal: callerOf(root),
    as: (person) => callerOf(root.withIdentity(person)),
    fetch: (path, init, person) =>
      (person === undefined ? root : root.withIdentity(person)).fetch(path, init),
  };
}
