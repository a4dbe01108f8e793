/** The signed, short-lived permission inside an upload URL. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import { FileError } from "./fileError.ts";

const VALID_MS = 60 * 60 * 1_000;
const MAX_TOKEN_LENGTH = 512;

const vPayload = z.object({ issuedAt: z.number(), nonce: z.string() });

export interface UploadTokens {
  issue(nowMs: number): string;
  /** @throws FileError when the token was not issued here, or more than an hour ago. */
  check(token: string, nowMs: number): void;
}

/** `secret` must be the database's own, and stay secret. */
export function makeUploadTokens(secret: string): UploadTokens {
  const sign = (payload: string): Buffer => createHmac("sha256", secret).update(`upload:${payload}`).digest();
  return {
    issue: (nowMs) => {
      const payload = Buffer.from(
        JSON.stringify({ issuedAt: nowMs, nonce: randomBytes(12).toString("base64url") }),
      ).toString("base64url");
      return `${payload}.${sign(payload).toString("base64url")}`;
    },
    check: (token, nowMs) => {
      const refuse = (): never => {
        throw new FileError(
          "StorageTokenInvalid",
          "The upload URL's token is invalid. Ask for a new upload URL.",
        );
      };
      if (token.length > MAX_TOKEN_LENGTH) refuse();
      const [payload = "", signature = "", ...rest] = token.split(".");
      const given = Buffer.from(signature, "base64url");
      const expected = sign(payload);
      if (rest.length > 0 || given.length !== expected.length || !timingSafeEqual(given, expected)) refuse();
      const { issuedAt } = vPayload.parse(JSON.parse(Buffer.from(payload, "base64url").toString()));
      if (nowMs - issuedAt > VALID_MS) {
        throw new FileError(
          "StorageTokenExpired",
          "The upload URL has expired after an hour. Ask for a new one.",
        );
      }
    },
  };
}
