/** What belongs to one call from outside, however many functions it runs. */
import { randomBytes } from "node:crypto";
import type { Identity } from "../auth/identity.ts";

export interface RequestMeta {
  readonly requestId: string;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** The scheduled function that this runs for, if any. */
  readonly scheduledFunctionId: string | null;
}

export interface Caller {
  readonly identity: Identity;
  readonly meta: RequestMeta;
}

export const newRequestId = (): string => randomBytes(8).toString("hex");

/** The metadata of a call that no HTTP request triggered. */
export const internalRequest = (scheduledFunctionId: string | null = null): RequestMeta => ({
  requestId: newRequestId(),
  ip: null,
  userAgent: null,
  scheduledFunctionId,
});

/** What `ctx.meta.getRequestMetadata()` returns. */
export const requestMetadata = ({ identity, meta }: Caller): Record<string, string | null> => ({
  ip: meta.ip,
  userAgent: meta.userAgent,
  requestId: meta.requestId,
  scheduledFunctionId: meta.scheduledFunctionId,
  authToken: identity.kind === "user" ? identity.token : null,
});
