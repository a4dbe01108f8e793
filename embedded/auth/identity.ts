/** Who calls: nobody, a user with a verified token, or an administrator (who may act as a user). */
import type { JSONValue } from "convex/values";

/** What `ctx.auth.getUserIdentity()` returns. */
export type UserAttributes = Record<string, JSONValue> & {
  tokenIdentifier: string;
  issuer: string;
  subject: string;
};

export type Identity =
  | { readonly kind: "none" }
  | {
      readonly kind: "user";
      readonly attributes: UserAttributes;
      /** Milliseconds since the epoch. */
      readonly expiresAt: number;
      readonly token: string;
    }
  | { readonly kind: "admin"; readonly actingAs: UserAttributes | null };

export const NOBODY: Identity = { kind: "none" };

/** The attributes that functions see, or null. */
export function attributesOf(identity: Identity): UserAttributes | null {
  if (identity.kind === "user") return identity.attributes;
  return identity.kind === "admin" ? identity.actingAs : null;
}

/** Two identities with the same text see the same results. */
export const identityKey = (identity: Identity): string => JSON.stringify(attributesOf(identity));

export const isAdmin = (identity: Identity): boolean => identity.kind === "admin";

export const isExpired = (identity: Identity, now: number): boolean =>
  identity.kind === "user" && identity.expiresAt <= now;
