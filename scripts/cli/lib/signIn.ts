import { userInfo } from "node:os";
import { decodeJwt } from "jose";
import { api } from "../../../convex/_generated/api.js";
import { defaultVerbs } from "../../../core/access.ts";
import { SlipwayError } from "../../../core/errors.ts";
import {
  makeSignInCode,
  sealToken,
  SIGN_IN_TTL_MS,
  signInCodeHash,
  signInUrl,
} from "../../../core/signInLink.ts";
import { mintToken, readKeys } from "../../setup/keys.ts";
import type { Session } from "./session.ts";
import { dashboardUrl } from "./urls.ts";
import { getProject } from "./views.ts";

export const DEFAULT_SIGN_IN_HOURS = 12;
/** Of an admin or a viewer: agents are no people. */
export const SIGN_IN_ROLES = ["admin", "viewer"] as const;
export type SignInRole = (typeof SIGN_IN_ROLES)[number];

export type SignInRequest = {
  role?: SignInRole;
  /** A slug, namespace or id: a viewer's token that sees that project alone. */
  project?: string;
  /** How long whoever signs in stays signed in. */
  ttlMs?: number;
  /** Where the browser finds the dashboard; by default at this machine's own name. */
  origin?: string;
};

export type SignInLink = {
  url: string;
  role: SignInRole;
  project: string | null;
  tokenId: string;
  /** ms since 1970: of the link, and of who signs in with it. */
  linkEndsAt: number;
  tokenEndsAt: number;
};

/**
 * A link that signs one browser in, once, within ten minutes. Its token is known to Convex by its id, and sealed.
 * @throws SlipwayError `setup` where there are no keys, or what Convex refuses with
 */
export async function makeSignInLink(session: Session, request: SignInRequest = {}): Promise<SignInLink> {
  const { role = "admin", ttlMs = DEFAULT_SIGN_IN_HOURS * 3_600_000 } = request;
  const keys = await readKeys(session.dataDir);
  if (!keys) {
    throw new SlipwayError({
      code: "setup",
      message: "There are no keys here.",
      hint: "slipway up makes them.",
    });
  }
  const project = request.project === undefined ? null : await getProject(session, request.project);
  const subject = `dashboard:${userInfo().username}`;
  const verbs = defaultVerbs(role, "");
  const token = await mintToken(keys, { role, sub: subject, ttlMs, project: project?.projectId, verbs });
  const { tid: tokenId, exp } = decodeJwt<{ tid: string }>(token);
  const tokenEndsAt = (exp ?? 0) * 1000;
  await session.http.mutation(api.tokens.registerToken, {
    tokenId,
    role,
    subject,
    project: project?.projectId,
    verbs,
    note: "signed in with a link",
    expiresAt: tokenEndsAt,
  });
  const code = makeSignInCode();
  const linkEndsAt = Date.now() + SIGN_IN_TTL_MS;
  await session.http.mutation(api.signIn.offer, {
    codeHash: signInCodeHash(code),
    sealed: sealToken(code, token),
    expiresAt: linkEndsAt,
  });
  return {
    url: signInUrl(request.origin ?? dashboardUrl(session.instance), code),
    role,
    project: project?.slug ?? null,
    tokenId,
    linkEndsAt,
    tokenEndsAt,
  };
}
