/** Verifies users' tokens against the app's `auth.config.ts`: `customJwt` (ES256, RS256) and OpenID Connect. */
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeJwt,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyGetKey,
} from "jose";
import type { JSONValue } from "convex/values";
import * as z from "zod";
import { PushError } from "../runtime/schema.ts";
import type { Identity, UserAttributes } from "./identity.ts";

const vCustomJwt = z.object({
  type: z.literal("customJwt"),
  issuer: z.string(),
  jwks: z.string(),
  algorithm: z.enum(["ES256", "RS256"]),
  applicationID: z.string().optional(),
});
const vOidc = z.object({ domain: z.string(), applicationID: z.string(), type: z.undefined().optional() });
const vAuthConfig = z.object({ providers: z.array(z.union([vCustomJwt, vOidc])) });

/** One provider as `auth.config.ts` declares it. */
export type ProviderSpec = z.infer<typeof vCustomJwt> | z.infer<typeof vOidc>;

export interface AuthProvider {
  readonly spec: ProviderSpec;
  readonly issuer: string;
  readonly applicationID: string | null;
  verify(token: string, now: Date): Promise<JWTPayload>;
}

/** An evaluated `auth.config.ts`. */
export interface AuthConfig {
  readonly providers: readonly AuthProvider[];
  /** The environment variables that the file read. */
  readonly reads: ReadonlySet<string>;
}

/** A token that was not accepted; the message says why and holds no part of the token. */
export class AuthenticationError extends Error {
  override readonly name = "AuthenticationError";
}

const FETCH_TIMEOUT_MS = 5_000;
const CLOCK_TOLERANCE_S = 5;
/** A key set that was fetched is kept this long; a token with an unknown key makes it be fetched earlier, */
const KEEP_KEYS_MS = 600_000;
/** but not more often than this, so that forged tokens cannot make us hammer the issuer. */
const REFETCH_COOLDOWN_MS = 2_000;

const withProtocol = (domain: string): string => (/^https?:\/\//.test(domain) ? domain : `https://${domain}`);
const withoutSlash = (issuer: string): string => issuer.replace(/\/$/, "");

function localKeys(uri: string): JWTVerifyGetKey {
  const match = /^data:[^,]*?(;base64)?,(.*)$/s.exec(uri);
  if (match === null) throw new PushError("auth.config: `jwks` is a malformed data: URI.");
  const text =
    match[1] === undefined ? decodeURIComponent(match[2]!) : Buffer.from(match[2]!, "base64").toString();
  try {
    return createLocalJWKSet(JSON.parse(text) as Parameters<typeof createLocalJWKSet>[0]);
  } catch (error) {
    throw new PushError(`auth.config: \`jwks\` holds no key set: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function remoteKeys(url: string): JWTVerifyGetKey {
  try {
    return createRemoteJWKSet(new URL(url), {
      timeoutDuration: FETCH_TIMEOUT_MS,
      cacheMaxAge: KEEP_KEYS_MS,
      cooldownDuration: REFETCH_COOLDOWN_MS,
    });
  } catch (error) {
    throw new PushError(`auth.config: \`jwks\` is no URL: ${url}`, { cause: error });
  }
}

/** Finds the key set of an OpenID Connect issuer when the first token comes. */
function discoveredKeys(issuer: string): JWTVerifyGetKey {
  let keys: Promise<JWTVerifyGetKey> | null = null;
  const discover = async (): Promise<JWTVerifyGetKey> => {
    const url = `${withoutSlash(issuer)}/.well-known/openid-configuration`;
    const response = await fetch(url, { signal: AbortSignal.timeout(FETCH_TIMEOUT_MS) });
    if (!response.ok) throw new AuthenticationError(`${url} answered ${response.status}`);
    return remoteKeys(z.object({ jwks_uri: z.string() }).parse(await response.json()).jwks_uri);
  };
  return async (header, token) => {
    keys ??= discover();
    try {
      return await (
        await keys
      )(header, token);
    } catch (error) {
      keys = null;
      throw error;
    }
  };
}

/** Makes the providers from the JSON of `auth.config.ts`'s default export. @throws PushError when it is malformed. */
export function parseAuthConfig(json: string): AuthProvider[] {
  const parsed = vAuthConfig.safeParse(JSON.parse(json));
  if (!parsed.success) throw new PushError(`auth.config: ${z.prettifyError(parsed.error)}`);
  return parsed.data.providers.map((provider) => {
    const custom = provider.type === "customJwt";
    const issuer = custom ? provider.issuer : withProtocol(provider.domain);
    const applicationID = provider.applicationID ?? null;
    const algorithms = custom ? [provider.algorithm] : ["RS256", "ES256"];
    const keys = !custom
      ? discoveredKeys(issuer)
      : provider.jwks.startsWith("data:")
        ? localKeys(provider.jwks)
        : remoteKeys(provider.jwks);
    return {
      spec: provider,
      issuer,
      applicationID,
      verify: async (token, now) => {
        const { payload } = await jwtVerify(token, keys, {
          algorithms,
          currentDate: now,
          clockTolerance: CLOCK_TOLERANCE_S,
          ...(applicationID === null ? {} : { audience: applicationID }),
        });
        return payload;
      },
    };
  });
}

/** JWT claims that Convex shows under a name of its own. */
const CLAIM_NAMES: Record<string, string> = {
  name: "name",
  given_name: "givenName",
  family_name: "familyName",
  nickname: "nickname",
  preferred_username: "preferredUsername",
  profile: "profileUrl",
  picture: "pictureUrl",
  email: "email",
  email_verified: "emailVerified",
  gender: "gender",
  birthdate: "birthday",
  zoneinfo: "timezone",
  locale: "language",
  phone_number: "phoneNumber",
  phone_number_verified: "phoneNumberVerified",
  address: "address",
  updated_at: "updatedAt",
};
const REGISTERED = new Set(["iss", "sub", "aud", "exp", "nbf", "iat", "jti"]);

function toAttributes(payload: JWTPayload): UserAttributes {
  const issuer = payload.iss!;
  const subject = payload.sub!;
  const out: Record<string, JSONValue> = {};
  for (const [claim, value] of Object.entries(payload)) {
    if (REGISTERED.has(claim) || value === undefined || value === null) continue;
    out[CLAIM_NAMES[claim] ?? claim] = value as JSONValue;
  }
  return { ...out, tokenIdentifier: `${issuer}|${subject}`, issuer, subject };
}

/**
 * Checks a user's token: signature, issuer, audience, `exp`, `nbf`.
 * @throws AuthenticationError when no provider accepts it.
 */
export async function authenticate(
  providers: readonly AuthProvider[],
  token: string,
  nowMs: number,
): Promise<Extract<Identity, { kind: "user" }>> {
  let claims: JWTPayload;
  try {
    claims = decodeJwt(token);
  } catch (error) {
    throw new AuthenticationError("Could not parse the token as a JWT.", { cause: error });
  }
  const audiences = [claims.aud ?? []].flat();
  const matching = providers.filter(
    ({ issuer, applicationID }) =>
      withoutSlash(issuer) === withoutSlash(claims.iss ?? "") &&
      (applicationID === null || audiences.includes(applicationID)),
  );
  if (matching.length === 0) {
    throw new AuthenticationError(
      "No auth provider found matching the given token: check its issuer and audience against auth.config.",
    );
  }
  let cause: unknown;
  for (const provider of matching) {
    try {
      const payload = await provider.verify(token, new Date(nowMs));
      if (typeof payload.sub !== "string" || payload.sub === "")
        throw new Error("the token has no `sub` claim");
      if (typeof payload.exp !== "number") throw new Error("the token has no `exp` claim");
      return { kind: "user", attributes: toAttributes(payload), expiresAt: payload.exp * 1_000, token };
    } catch (error) {
      cause = error;
    }
  }
  throw new AuthenticationError(`Could not verify the token: ${(cause as Error).message}`, { cause });
}
