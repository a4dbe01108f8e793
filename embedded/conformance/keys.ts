/** Keys and tokens of the conformance app's two issuers, made anew for each process. */
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import type { Person } from "./driver.ts";

export const ISSUER = "https://issuer.test";
export const RSA_ISSUER = "https://rsa.issuer.test";
export const AUDIENCE = "conformance";

/** Claims under the names that Convex reads them from. */
const CLAIMS: Record<string, string> = {
  name: "name",
  email: "email",
  emailVerified: "email_verified",
  givenName: "given_name",
  familyName: "family_name",
  pictureUrl: "picture",
  phoneNumber: "phone_number",
  updatedAt: "updated_at",
};

export interface TokenChanges {
  /** Seconds from now; negative for a token that has expired. */
  readonly expiresIn?: number;
  readonly audience?: string;
  /** Signs with a key that no provider knows. */
  readonly foreignKey?: boolean;
}

export interface Keys {
  /** The key set as a `data:` URI. */
  readonly jwks: string;
  token(person: Person, changes?: TokenChanges): Promise<string>;
}

export async function makeKeys(): Promise<Keys> {
  const pairs = {
    ES256: await generateKeyPair("ES256"),
    RS256: await generateKeyPair("RS256"),
    foreign: await generateKeyPair("ES256"),
  };
  const publicKeys = await Promise.all(
    (["ES256", "RS256"] as const).map(async (alg) => ({
      ...(await exportJWK(pairs[alg].publicKey)),
      ...{ alg, kid: alg, use: "sig" },
    })),
  );
  const jwks = `data:application/json;base64,${Buffer.from(JSON.stringify({ keys: publicKeys })).toString("base64")}`;
  return {
    jwks,
    token: async ({ subject, issuer, tokenIdentifier: _derived, ...attributes }, changes = {}) => {
      const alg = issuer === RSA_ISSUER ? "RS256" : "ES256";
      const claims = Object.fromEntries(
        Object.entries(attributes).map(([name, value]) => [CLAIMS[name] ?? name, value]),
      );
      const seconds = Math.floor(Date.now() / 1_000);
      return await new SignJWT(claims)
        .setProtectedHeader({ alg, kid: alg })
        .setIssuer(issuer)
        .setSubject(subject)
        .setAudience(changes.audience ?? AUDIENCE)
        .setIssuedAt(seconds)
        .setExpirationTime(seconds + (changes.expiresIn ?? 3_600))
        .sign(changes.foreignKey === true ? pairs.foreign.privateKey : pairs[alg].privateKey);
    },
  };
}
