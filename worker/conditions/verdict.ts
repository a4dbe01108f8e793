import type { Condition } from "../../core/projectSpec.ts";

/** What is said of one condition: whether it holds, the reason in one word, and what a person should read. */
export type Verdict = { status: Condition["status"]; reason: string; message: string };

export function yes(reason: string, message = ""): Verdict {
  return { status: "true", reason, message };
}

/** As it should be, but there is something to know. */
export function note(reason: string, message: string): Verdict {
  return { status: "true", reason, message };
}

export function no(reason: string, message: string): Verdict {
  return { status: "false", reason, message };
}
