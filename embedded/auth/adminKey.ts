/** The administrator's key: `<instance>|<secret>`, compared in constant time. */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import * as z from "zod";
import type { JSONValue } from "convex/values";
import type { Identity, UserAttributes } from "./identity.ts";
import { AuthenticationError } from "./providers.ts";

/** A new key in the form that Convex's tools expect. */
export const newAdminKey = (instance: string): string => `${instance}|${randomBytes(32).toString("hex")}`;

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** True when the two keys are the same; takes equally long whether they are or not. */
export const sameKey = (given: string, expected: string): boolean =>
  timingSafeEqual(digest(given), digest(expected));

const vActingAs = z.looseObject({ issuer: z.string().optional(), subject: z.string().optional() });

/** Completes the attributes of a user that an administrator acts as. */
export function actingAs(attributes: unknown): UserAttributes {
  const parsed = vActingAs.parse(attributes);
  const issuer = parsed.issuer ?? "https://convex.test";
  const subject = parsed.subject ?? "admin";
  const given = parsed["tokenIdentifier"];
  return {
    ...(parsed as Record<string, JSONValue>),
    issuer,
    subject,
    tokenIdentifier: typeof given === "string" ? given : `${issuer}|${subject}`,
  };
}

/**
 * Checks an admin key, which may carry a base64 identity to act as (`<key>:<base64>`).
 * @throws AuthenticationError when the key is wrong.
 */
export function authenticateAdmin(given: string, expected: string): Extract<Identity, { kind: "admin" }> {
  const bad = (): never => {
    throw new AuthenticationError("The provided admin key was invalid for this instance");
  };
  if (sameKey(given, expected)) return { kind: "admin", actingAs: null };
  const colon = given.lastIndexOf(":");
  if (colon === -1 || !sameKey(given.slice(0, colon), expected)) return bad();
  try {
    const attributes: unknown = JSON.parse(Buffer.from(given.slice(colon + 1), "base64").toString("utf8"));
    return { kind: "admin", actingAs: actingAs(attributes) };
  } catch (error) {
    throw new AuthenticationError("The identity to act as is malformed.", { cause: error });
  }
}
