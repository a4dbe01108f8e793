import { ConvexError } from "convex/values";
import * as z from "zod";
import { causeChain, SlipwayError, type ErrorData } from "../../../core/errors.ts";

/** The one way out of the CLI for everything that goes wrong: any thrown value → one line, one exit code. */

export const EXIT = { done: 0, failed: 1, wrongUse: 2 } as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The user typed what no command understands. */
export class WrongUse extends SlipwayError {
  constructor(message: string, more: Pick<ErrorData, "hint" | "allowed"> = {}) {
    super({ code: "bad_request", message, ...more });
    this.name = "WrongUse";
  }
}

export type Failure = {
  exitCode: ExitCode;
  data: Omit<ErrorData, "code"> & { code: ErrorData["code"] | "unexpected" };
};

const vErrorData = z.looseObject({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  allowed: z.array(z.string()).optional(),
  path: z.string().optional(),
});

/** Backend and engine being away looks like this, at any depth of `cause`. */
const REFUSED = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "UND_ERR_SOCKET"]);

export const NOT_RUNNING: ErrorData = {
  code: "setup",
  message: "Slipway is not running here.",
  hint: "Start it with: npm start",
};

/** What `error` means to a person, and the exit code that goes with it. */
export function explain(error: unknown): Failure {
  if (error instanceof SlipwayError) {
    return { exitCode: error instanceof WrongUse ? EXIT.wrongUse : EXIT.failed, data: error.data };
  }
  if (error instanceof ConvexError) {
    const parsed = vErrorData.safeParse(error.data);
    if (parsed.success) return { exitCode: EXIT.failed, data: parsed.data as ErrorData };
  }
  if (hasCode(error, REFUSED)) return { exitCode: EXIT.failed, data: NOT_RUNNING };
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return {
      exitCode: EXIT.failed,
      data: {
        code: "deadline",
        message: "Slipway's backend did not answer in time.",
        hint: "Run `slipway doctor` to see what is wrong.",
      },
    };
  }
  return {
    exitCode: EXIT.failed,
    data: {
      code: "unexpected",
      message: `Something went wrong that Slipway did not expect: ${causeChain(error).join(": ")}`,
      hint: "Run `slipway doctor`; with SLIPWAY_DEBUG=1 the whole trace is shown.",
    },
  };
}

/** `data` as one line: what happened, what is allowed, what to do next. */
export function failureLine({ message, allowed, hint }: Failure["data"]): string {
  const options = allowed && allowed.length > 0 && !message.includes(allowed.join(", "));
  const said = /[.!?:]\s*$/.test(message) ? message : `${message}.`;
  return [said, options ? `Allowed: ${allowed.join(", ")}.` : "", hint ?? ""].filter(Boolean).join(" ");
}

function hasCode(error: unknown, codes: Set<string>): boolean {
  if (!(error instanceof Error)) return false;
  if ("code" in error && typeof error.code === "string" && codes.has(error.code)) return true;
  if (error instanceof AggregateError && error.errors.some((inner) => hasCode(inner, codes))) return true;
  return hasCode(error.cause, codes);
}
