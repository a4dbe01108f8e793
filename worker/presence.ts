import { SlipwayError } from "../core/errors.ts";
import { EngineError } from "./engine/engineError.ts";

/**
 * Whether the control plane answers. While it is away the worker goes by what it last read, tells nothing, and waits for
 * nobody: containers are mended all the same.
 */
export class Presence {
  private gone = false;

  get isAway(): boolean {
    return this.gone;
  }

  /** @returns whether `error` says that the control plane did not answer, rather than that it refused */
  noteFailure(error: unknown): boolean {
    const unanswered =
      error instanceof SlipwayError && !(error instanceof EngineError) && error.data.code === "deadline";
    if (unanswered) this.gone = true;
    return unanswered;
  }

  /** It was heard. @returns whether it had been away */
  noteHeard(): boolean {
    const was = this.gone;
    this.gone = false;
    return was;
  }
}
