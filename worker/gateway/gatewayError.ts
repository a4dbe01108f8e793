import { SlipwayError, type ErrorCode } from "../../core/errors.ts";

/** Why the gateway would not, by what the caller can do about it. */
export type GatewayErrorKind =
  /** The routes break a rule of core/routes.ts. */
  | "invalid"
  /** A newer version of this project answers already. */
  | "stale"
  /** Another project has this slug or domain. */
  | "taken"
  /** The table's memory or its disk is full. */
  | "full"
  /** Another push holds the table; worth another try. */
  | "busy"
  /** Nobody listens at the door. */
  | "unreachable"
  /** No answer in time. It may have been taken over all the same: observe, then push again. */
  | "deadline"
  /** The gateway failed in a way that it did not foresee. */
  | "broken";

const CODES: Partial<Record<GatewayErrorKind, ErrorCode>> = { deadline: "deadline", taken: "name_taken" };

const HINTS: Record<GatewayErrorKind, string> = {
  invalid: "This is a fault of Slipway's: please report it with the message.",
  stale: "Observe again and push the newer routes.",
  taken: "Choose another name, or take it away from the project that has it.",
  full: "Free disk space on the host, or remove projects that are not needed.",
  busy: "Try again.",
  unreachable: "Look whether the gateway's container runs: slipway doctor.",
  deadline: "Try again; if it stays so, look at the gateway's log: slipway doctor.",
  broken: "Look at the gateway's log: slipway doctor.",
};

export class GatewayError extends SlipwayError {
  readonly kind: GatewayErrorKind;
  constructor(kind: GatewayErrorKind, message: string, options?: { cause?: unknown }) {
    super({ code: CODES[kind] ?? "gateway", message, hint: HINTS[kind] }, options);
    this.name = "GatewayError";
    this.kind = kind;
  }
}
