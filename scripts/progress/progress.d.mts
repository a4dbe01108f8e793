/** A piece of long work that is going on. After `done`, `fail` or `drop` every further call is ignored. */
export interface Step {
  /** Shows the last non-empty line of `text` beside the step. */
  detail(text: string): void;
  /** Ends the step with ✓; `text` replaces its title. */
  done(text?: string): void;
  /** Ends the step with ✗; `text` replaces its title. */
  fail(text?: string): void;
  /** Ends the step without a line of its own: there was nothing to do after all. */
  drop(): void;
}

export interface Progress {
  step(title: string): Step;
  /** One line that stays. */
  note(text: string): void;
  /** Ends what still runs without a word and stops every timer. */
  close(): void;
}

export interface ProgressOptions {
  /** Where to write; standard error by default. */
  stream?: { write(text: string): unknown; isTTY?: boolean; columns?: number };
  /** Redraw in place; by default only on a terminal outside CI. */
  live?: boolean;
  /** Milliseconds, from any origin. */
  now?: () => number;
  /** The longest silence, in milliseconds, of a display that is not live (default 4,000). */
  heartbeatMs?: number;
}

export function createProgress(options?: ProgressOptions): Progress;

/** Runs `work` as a step: ✓ when it resolves, ✗ when it rejects (and rejects with the same error). */
export function track<T>(progress: Progress, title: string, work: (step: Step) => Promise<T>): Promise<T>;

export const silentProgress: Progress;
