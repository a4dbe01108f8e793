import { ConvexError } from "convex/values";
import * as z from "zod";
import { SlipwayError } from "../../../core/errors.ts";

/** An error as a person is shown it: what happened, to what, and what to do next. */
export type Problem = {
  title: string;
  /** `ErrorCode` of core/errors.ts, or `unknown`. */
  code: string;
  message: string;
  hint?: string;
  allowed?: string[];
  path?: string;
};

const vData = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string().optional(),
  allowed: z.array(z.string()).optional(),
  path: z.string().optional(),
});

const TITLES: Record<string, string> = {
  bad_request: "That cannot be done so",
  bad_manifest: "The manifest is refused",
  not_found: "Not found",
  name_taken: "The name is taken",
  illegal_transition: "That move is not allowed",
  status_changed: "Somebody was quicker",
  guard_failed: "Not yet",
  unauthenticated: "Signed out",
  forbidden: "Not allowed",
  no_host: "There is no host",
  no_capacity: "No room left",
  pool_exhausted: "No addresses left",
  deadline: "It took too long",
  too_much: "Too much at once",
  setup: "Something is not set up",
};

/** Any error as a {@link Problem}; of those that nobody expected, no more than their message. */
export function problemOf(error: unknown): Problem {
  const data = dataOf(error);
  if (data) return { title: TITLES[data.code] ?? "It failed", ...data };
  const message = error instanceof Error ? error.message : String(error);
  const isOffline =
    error instanceof TypeError || /network|fetch|connection|aborted|timed? ?out/i.test(message);
  return {
    title: isOffline ? "No answer" : "Something went wrong",
    code: "unknown",
    message: message.replace(/^\[CONVEX [^\]]*\] (\[Request ID: [^\]]*\] )?/, ""),
    hint: isOffline
      ? "Look whether Slipway runs, then try again."
      : "Try again; the System page says what is wrong.",
  };
}

function dataOf(error: unknown): z.infer<typeof vData> | null {
  const raw: unknown =
    error instanceof ConvexError || error instanceof SlipwayError ? (error.data as unknown) : error;
  const parsed = vData.safeParse(typeof raw === "string" ? parsedJson(raw) : raw);
  return parsed.success ? parsed.data : null;
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
