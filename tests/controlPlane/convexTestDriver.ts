import { convexTest } from "convex-test";
import { ISSUER } from "../../core/access.ts";
import schema from "../../convex/schema.ts";
import type { Caller, Driver, PublicAction, PublicMutation, PublicQuery, TestClaims } from "./driver.ts";

/** The functions as convex-test finds them, without the tests beside them. */
export const modules = import.meta.glob(["../../convex/**/*.{ts,js}", "!../../convex/**/*.test.ts"]);

export function openConvexTest() {
  return convexTest({ schema, modules, transactionLimits: true });
}

export function driverOf(t: ReturnType<typeof openConvexTest>): Driver {
  return {
    as(claims): Caller {
      const caller = claims ? t.withIdentity(identityOf(claims)) : t;
      return {
        query: async (fn, args) => await caller.query<PublicQuery>(fn, args),
        mutation: async (fn, args) => await caller.mutation<PublicMutation>(fn, args),
        action: async (fn, args) => await caller.action<PublicAction>(fn, args),
        fetch: async (path, init) => await caller.fetch(path, init),
      };
    },
    close: () => Promise.resolve(),
  };
}

/** A token's claims as Convex hands them to functions. */
export function identityOf({ role, subject, project, verbs, host, tokenId }: TestClaims) {
  const given = { role, project, verbs, host, tid: tokenId ?? `token-of-${subject}` };
  const claims = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return { issuer: ISSUER, subject, tokenIdentifier: `${ISSUER}|${subject}`, ...claims };
}
