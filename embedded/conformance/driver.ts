/** The small face that each backend shows to the cases. */
import type { FunctionArgs, FunctionReference, FunctionReturnType, UserIdentity } from "convex/server";

/** Of any visibility: a case that calls an internal function does so through `Driver.internal`. */
export type Query = FunctionReference<"query", "public" | "internal">;
export type Mutation = FunctionReference<"mutation", "public" | "internal">;
export type Action = FunctionReference<"action", "public" | "internal">;

export type Person = Pick<UserIdentity, "subject" | "issuer"> & Partial<UserIdentity>;

export interface Caller {
  query<F extends Query>(fn: F, args: FunctionArgs<F>): Promise<FunctionReturnType<F>>;
  mutation<F extends Mutation>(fn: F, args: FunctionArgs<F>): Promise<FunctionReturnType<F>>;
  action<F extends Action>(fn: F, args: FunctionArgs<F>): Promise<FunctionReturnType<F>>;
}

export interface Driver extends Caller {
  readonly name: string;
  /** Calls as a signed-in person. */
  as(person: Person): Caller;
  /** Calls with the right to call internal functions. */
  readonly internal: Caller;
  /** Requests an HTTP action, with a person's token when one is given. */
  fetch(path: string, init?: RequestInit, person?: Person): Promise<Response>;
}

/** Polls `done` until it holds. @throws Error after `boundMs`. */
export async function until(what: string, done: () => Promise<boolean>, boundMs = 10_000): Promise<void> {
  const deadline = Date.now() + boundMs;
  while (!(await done())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${boundMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
