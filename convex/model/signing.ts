import { importJWK, SignJWT, type JWK } from "jose";
import { APPLICATION_ID, ISSUER, type Role } from "../../core/access.ts";
import { refuse } from "./refuse.ts";
import { variables } from "./variables.ts";

/**
 * A signed token, as scripts/setup/keys.ts makes them, for deployments that hold the signing key.
 * @param expiresAt ms since 1970
 */
export async function signToken(
  token: {
    tokenId: string;
    role: Role;
    subject: string;
    project?: string;
    verbs?: string[];
    expiresAt: number;
  },
  jwk: JWK,
): Promise<string> {
  const { tokenId, role, subject, project, verbs, expiresAt } = token;
  return await new SignJWT({ role, tid: tokenId, ...(project && { project }), ...(verbs && { verbs }) })
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: jwk.kid })
    .setIssuer(ISSUER)
    .setAudience(APPLICATION_ID)
    .setSubject(subject)
    .setJti(tokenId)
    .setIssuedAt()
    .setExpirationTime(Math.ceil(expiresAt / 1000))
    .sign(await importJWK(jwk, "ES256"));
}

/** @throws ConvexError `setup` where this deployment does not hold the key */
export function signingKey(): JWK {
  try {
    return JSON.parse(variables.SLIPWAY_SIGNING_KEY ?? "") as JWK;
  } catch {
    return refuse({
      code: "setup",
      message: "This deployment does not hold the key that tokens are signed with.",
      hint: "Make the token where the key is: slipway token create. Or set SLIPWAY_SIGNING_KEY to the private JWK.",
    });
  }
}
