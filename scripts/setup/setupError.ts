import { SlipwayError } from "../../core/errors.ts";

export type SetupErrorCode =
  | "engine-missing"
  | "engine-unreachable"
  | "engine-permission"
  | "chromium-missing"
  | "command-failed"
  | "command-timeout"
  | "catalogue-invalid"
  | "image-unknown"
  | "image-build-failed"
  | "dashboard-failed";

/** Something this machine lacks. `message` says what happened and to what; `fix` says what to do, command included. */
export class SetupError extends SlipwayError {
  constructor(
    readonly reason: SetupErrorCode,
    message: string,
    readonly fix: string,
    options?: { cause?: unknown },
  ) {
    super({ code: "setup", message, hint: fix }, options);
    this.name = "SetupError";
  }
}
