import * as z from "zod";
import { SlipwayError, type ErrorCode } from "../../../core/errors.ts";

/**
 * The worker's door (worker/door/README.md), through the server of this page: what no subscription gives. It reaches the
 * projects of one host, the one that serves this page.
 */

const DEADLINE_MS = 30_000;

const vRefusal = z.object({
  error: z.object({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    allowed: z.array(z.string()).optional(),
    path: z.string().optional(),
  }),
});

/** `projects/<project>/plan` → `/door/v1/projects/<project>/plan`; each part is encoded. */
export function doorPath(...parts: string[]): string {
  return `/door/v1/${parts.map(encodeURIComponent).join("/")}`;
}

/** The same as a WebSocket's address, at the origin of this page. */
export function doorSocketUrl(...parts: string[]): string {
  const { protocol, host } = window.location;
  return `${protocol === "https:" ? "wss:" : "ws:"}//${host}${doorPath(...parts)}`;
}

type Request<T> = {
  /** From {@link doorPath}. */
  path: string;
  token: string | null;
  /** What the answer has to look like. */
  schema: z.ZodType<T>;
  method?: "GET" | "POST";
  signal?: AbortSignal;
  deadlineMs?: number;
};

/**
 * Asks the door, and reads its answer.
 * @throws SlipwayError the door's own refusal; `deadline`; `setup` where the worker does not answer, or not as it should
 */
export async function askDoor<T>(request: Request<T>): Promise<T> {
  const { path, token, schema, method = "GET", signal, deadlineMs = DEADLINE_MS } = request;
  const deadline = AbortSignal.timeout(deadlineMs);
  try {
    const response = await fetch(path, {
      method,
      headers: { accept: "application/json", ...(token !== null && { authorization: `Bearer ${token}` }) },
      cache: "no-store",
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    const text = await response.text();
    if (!response.ok) throw refusalOf(response.status, text);
    return answerOf(schema, text);
  } catch (error) {
    if (error instanceof SlipwayError || signal?.aborted) throw error;
    throw deadline.aborted ? tooSlow(deadlineMs, error) : noAnswer(error);
  }
}

/** What the door refuses with, or, where something before it answered, what that means. */
export function refusalOf(status: number, text: string): SlipwayError {
  const { success, data } = vRefusal.safeParse(parsed(text));
  // Codes of a newer worker are shown as they are.
  if (success) return new SlipwayError({ ...data.error, code: data.error.code as ErrorCode });
  return new SlipwayError({
    code: "setup",
    message: `The worker's door answered ${status}, and gave no reason.`,
    hint: "Look at the System page whether the worker runs, then try again.",
  });
}

function answerOf<T>(schema: z.ZodType<T>, text: string): T {
  const { success, data, error } = schema.safeParse(parsed(text));
  if (success) return data;
  throw new SlipwayError(
    {
      code: "setup",
      message: "The worker's answer is none that this page understands.",
      hint: "Load the page anew: it may be older than the worker.",
    },
    { cause: error },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function tooSlow(deadlineMs: number, cause: unknown): SlipwayError {
  return new SlipwayError(
    {
      code: "deadline",
      message: `The worker did not answer within ${deadlineMs / 1000} s.`,
      hint: "Its host may be busy; try again.",
    },
    { cause },
  );
}

function noAnswer(cause: unknown): SlipwayError {
  return new SlipwayError(
    {
      code: "setup",
      message: "The worker's door cannot be reached.",
      hint: "Look whether Slipway runs (slipway status), then try again.",
    },
    { cause },
  );
}
