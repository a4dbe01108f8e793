import type { FunctionArgs, FunctionReference, FunctionReturnType } from "convex/server";
import type { Role } from "../../core/access.ts";

/** What the control plane's tests need of a backend, so that one suite runs against several. */

export type TestClaims = {
  role: Role;
  subject: string;
  project?: string;
  verbs?: string[];
  host?: string;
  tokenId?: string;
};

export type PublicQuery = FunctionReference<"query", "public">;
export type PublicMutation = FunctionReference<"mutation", "public">;
export type PublicAction = FunctionReference<"action", "public">;

/** Calls public functions with one token, or none. */
export type Caller = {
  query<F extends PublicQuery>(fn: F, args: FunctionArgs<F>): Promise<FunctionReturnType<F>>;
  mutation<F extends PublicMutation>(fn: F, args: FunctionArgs<F>): Promise<FunctionReturnType<F>>;
  action<F extends PublicAction>(fn: F, args: FunctionArgs<F>): Promise<FunctionReturnType<F>>;
  /** An HTTP request to the deployment's own routes, with the token as bearer. `path` starts with `/`. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
};

/** One backend with an empty database. */
export type Driver = {
  as(claims: TestClaims | null): Caller;
  /** Calls with a token that has ended; for backends that read tokens themselves. */
  ended?(claims: TestClaims): Promise<Caller>;
  close(): Promise<void>;
};

export type OpenDriver = () => Promise<Driver>;

export const ADMIN: TestClaims = { role: "admin", subject: "ada" };
export const VIEWER: TestClaims = { role: "viewer", subject: "vera" };
export const WORKER: TestClaims = { role: "worker", subject: "host-1" };

/** An agent of `project` (id or namespace) with these verbs. */
export function agentOf(project: string, ...verbs: string[]): TestClaims {
  return { role: "agent", subject: "robin", project, verbs };
}
