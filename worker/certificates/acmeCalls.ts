import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as pause } from "node:timers/promises";
import * as acme from "acme-client";
import * as z from "zod";
import { SlipwayError } from "../../core/errors.ts";

/** Calls to an ACME server: each belongs to an order, ends with it, and says what the server refused. */

const CALL_MS = 30_000;
/** Between tries of a call that was not answered, or by a server that is busy. */
const AGAIN_MS = [1_000, 4_000];
/** Between two looks at what the authority is doing. */
const LOOK_MS = { first: 1_000, most: 10_000 };

/** Why there is no certificate; nothing secret is in it. */
export class AcmeError extends SlipwayError {
  /**
   * `deadline`, `unreachable`, or what the authority calls it (RFC 8555, 6.7), like `rateLimited`, `dns` or `unauthorized`;
   * `unknown` where it does not say.
   */
  readonly kind: string;
  /** ms since 1970, before which the authority will not be asked again; null where it does not say. */
  readonly notBefore: number | null;

  constructor(
    kind: string,
    { message, hint, notBefore = null }: { message: string; hint: string; notBefore?: number | null },
    options?: { cause?: unknown },
  ) {
    super({ code: kind === "deadline" ? "deadline" : "gateway", message, hint }, options);
    this.name = "AcmeError";
    this.kind = kind;
    this.notBefore = notBefore;
  }
}

type Refusal = { status: number; kind: string | null; notBefore: number | null };
type Order = { signal: AbortSignal; refusal: Refusal | null };

const vProblem = z.looseObject({ type: z.string(), detail: z.string().optional() });
const PROBLEM = /^urn:ietf:params:acme:error:(\w{1,40})$/;
const going = new AsyncLocalStorage<Order>();

// The library's own would repeat a call for as long as the server says, also after the order has ended, and lose why a
// server cannot be reached.
acme.axios.interceptors.request.clear();
acme.axios.interceptors.response.clear();
acme.axios.defaults.timeout = CALL_MS;
acme.axios.interceptors.request.use((config) => {
  config.signal = going.getStore()?.signal;
  return config;
});
acme.axios.interceptors.response.use((response) => {
  const order = going.getStore();
  if (!order) return response;
  const { status, data, headers } = response;
  order.refusal =
    status < 400
      ? null
      : { status, kind: kindOf(data), notBefore: notBeforeOf(String(headers["retry-after"] ?? "")) };
  return response;
});

/**
 * What the authority calls `problem` (RFC 8555, 6.7), without what all of them begin with; null where it is none.
 * @param problem a problem document (RFC 7807), as it came
 */
function kindOf(problem: unknown): string | null {
  const parsed = vProblem.safeParse(problem);
  return (parsed.success && PROBLEM.exec(parsed.data.type)?.[1]) || null;
}

/** @param header of Retry-After: seconds, or a date */
function notBeforeOf(header: string): number | null {
  const at = /^\d{1,9}$/.test(header) ? Date.now() + Number(header) * 1000 : Date.parse(header);
  return Number.isNaN(at) ? null : at;
}

/** Runs an order: what it asks for through {@link call} and {@link untilSettled} ends when `signal` is given. */
export async function asOrder<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return await going.run({ signal, refusal: null }, work);
}

/** Asks again where no answer came, or the server was busy. To be called within {@link asOrder}. */
export async function call<T>(ask: () => Promise<T>): Promise<T> {
  const { signal } = thisOrder();
  for (const delayMs of AGAIN_MS) {
    try {
      return await ask();
    } catch (error) {
      if (signal.aborted || !isPassing(error)) throw error;
    }
    await pause(delayMs, undefined, { signal });
  }
  return await ask();
}

/** Looks ever less often, until `look` gives something. To be called within {@link asOrder}. */
export async function untilSettled<T>(look: () => Promise<T | null>): Promise<T> {
  for (let waitMs = LOOK_MS.first; ; waitMs = Math.min(waitMs * 2, LOOK_MS.most)) {
    const found = await call(look);
    if (found !== null) return found;
    await pause(waitMs, undefined, { signal: thisOrder().signal });
  }
}

/** The authority says so of something that was asked of it. @param problem as it came with it */
export class Refused extends Error {
  readonly kind: string | null;
  constructor(problem: unknown, otherwise: string) {
    const parsed = vProblem.safeParse(problem);
    super((parsed.success && parsed.data.detail) || otherwise);
    this.name = "Refused";
    this.kind = kindOf(problem);
  }
}

/** What became of the order that this is part of, and when it may be asked again. */
export function reasonOf(error: unknown): { kind: string; why: string; notBefore: number | null } {
  const { refusal } = thisOrder();
  if (error instanceof Refused) return { kind: error.kind ?? "unknown", why: error.message, notBefore: null };
  if (isUnanswered(error)) return { kind: "unreachable", why: error.message || error.code, notBefore: null };
  const why = error instanceof Error && error.message !== "" ? error.message : "it does not say why";
  return { kind: refusal?.kind ?? "unknown", why, notBefore: refusal?.notBefore ?? null };
}

function isPassing(error: unknown): boolean {
  return isUnanswered(error) || (!(error instanceof Refused) && (thisOrder().refusal?.status ?? 0) >= 500);
}

function isUnanswered(error: unknown): error is Error & { code: string } {
  return error instanceof Error && "isAxiosError" in error && !("response" in error && error.response);
}

function thisOrder(): Order {
  const order = going.getStore();
  if (order) return order;
  throw new Error("An ACME server is asked outside of an order.");
}
