import { causeChain } from "../../core/errors.ts";
import { startOf } from "../../core/text.ts";
import type { Log } from "../log.ts";

export type HostError = {
  /** ms since 1970; of one that came again, the last time. */
  at: number;
  message: string;
};

const KEPT = 10;
const MOST_CAUSES = 3;
const MOST_LETTERS = 500;

/** The last errors that went to the log, newest first; what fails again and again is one of them. */
export class RecentErrors {
  private errors: HostError[] = [];
  private listener: ((errors: HostError[]) => void) | null = null;

  constructor(private readonly now: () => number) {}

  /** Tells `listener` now, if there were any, and whenever there is another. */
  follow(listener: (errors: HostError[]) => void): void {
    this.listener = listener;
    if (this.errors.length > 0) listener(this.errors);
  }

  /** A log that also takes note of errors. */
  wrap(log: Log): Log {
    return (event, fields) => {
      log(event, fields);
      if (fields?.error != null) this.note(event, fields);
    };
  }

  private note(event: string, { error, key }: Record<string, unknown>): void {
    const causes = error instanceof Error ? causeChain(error).slice(0, MOST_CAUSES) : [String(error)];
    const of = typeof key === "string" ? ` of ${key}` : "";
    const message = startOf(`${event}${of}: ${causes.join(": ")}`, MOST_LETTERS);
    const others = this.errors.filter((known) => known.message !== message);
    this.errors = [{ at: this.now(), message }, ...others].slice(0, KEPT);
    this.listener?.(this.errors);
  }
}
