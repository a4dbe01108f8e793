import { readFile, rename } from "node:fs/promises";
import https from "node:https";
import { join } from "node:path";
import * as acme from "acme-client";
import * as z from "zod";
import { SlipwayError } from "../../core/errors.ts";
import type { CertificateDoor } from "../gateway/certificateDoor.ts";
import { AcmeError, asOrder, call, reasonOf, Refused, untilSettled } from "./acmeCalls.ts";
import type { CertificatePair } from "./certificateFacts.ts";
import { readJson, writePrivate } from "./privateFiles.ts";

const ORDER_MS = 180_000;

export type AcmeSettings = {
  /** The directory's URL, like https://acme-v02.api.letsencrypt.org/directory. Setting it is agreeing to its terms. */
  directory: string;
  /** Whom the authority tells of trouble. */
  email?: string;
  /** A file with the CA, as PEM, that the directory's own certificate is from, where that is no public one. */
  caFile?: string;
};

/**
 * Gets a certificate for one domain. When it settles, or soon after `signal`, nothing of it goes on.
 * @throws AcmeError, or another SlipwayError where the authority was not the reason; without keys in it
 */
export type AcmeIssuer = (domain: string, signal?: AbortSignal) => Promise<CertificatePair>;

type IssuerOptions = {
  /** How long an order may take. */
  deadlineMs?: number;
  /** Told what was found that cannot be used. */
  say?: (message: string) => void;
};

const vAccount = z.object({ directory: z.string(), key: z.string(), url: z.string().optional() });

/** Orders from an ACME server (RFC 8555) with HTTP-01, which the gateway answers. The account is kept in `folder`. */
export function acmeIssuer(
  settings: AcmeSettings,
  folder: string,
  door: CertificateDoor,
  { deadlineMs = ORDER_MS, say = () => undefined }: IssuerOptions = {},
): AcmeIssuer {
  const accountPath = join(folder, "account.json");

  async function client(): Promise<acme.Client> {
    if (settings.caFile !== undefined) {
      acme.axios.defaults.httpsAgent = new https.Agent({ ca: await readFile(settings.caFile) });
    }
    const known = await readAccount(accountPath, say);
    const { directory } = settings;
    if (known?.directory === directory && known.url !== undefined) {
      return new acme.Client({ directoryUrl: directory, accountKey: known.key, accountUrl: known.url });
    }
    const key =
      known?.directory === directory ? known.key : (await acme.crypto.createPrivateEcdsaKey()).toString();
    // Kept before it is used: an account whose key is lost could never be used again.
    await writePrivate(accountPath, JSON.stringify({ directory, key }));
    const made = new acme.Client({ directoryUrl: directory, accountKey: key });
    await call(() =>
      made.createAccount({
        termsOfServiceAgreed: true,
        ...(settings.email !== undefined && { contact: [`mailto:${settings.email}`] }),
      }),
    );
    await writePrivate(accountPath, JSON.stringify({ directory, key, url: made.getAccountUrl() }));
    return made;
  }

  async function order(domain: string): Promise<CertificatePair> {
    const ordering = await client();
    const key = await acme.crypto.createPrivateEcdsaKey();
    // No common name: it may have 64 characters, and a domain 253.
    const [, request] = await acme.crypto.createCsr({ altNames: [domain] }, key);
    const placed = await call(() => ordering.createOrder({ identifiers: [{ type: "dns", value: domain }] }));
    for (const authorization of await call(() => ordering.getAuthorizations(placed))) {
      if (authorization.status !== "valid") await answer(ordering, placed, authorization);
    }
    await call(() => ordering.finalizeOrder(placed, request));
    const done = await untilSettled(async () => {
      const now = await ordering.getOrder(placed);
      if (now.status === "invalid") throw new Refused(now.error, "it calls the order invalid");
      return now.status === "valid" ? now : null;
    });
    const chain = await call(() => ordering.getCertificate(done));
    return { chain, key: key.toString() };
  }

  async function answer(
    ordering: acme.Client,
    placed: acme.Order,
    { challenges, identifier }: acme.Authorization,
  ): Promise<void> {
    const challenge = challenges.find(({ type }) => type === "http-01");
    if (!challenge) throw new Refused(null, "it offers no HTTP-01");
    const asked = {
      host: identifier.value,
      token: challenge.token,
      answer: await ordering.getChallengeKeyAuthorization(challenge),
    };
    await door.putChallenge(asked);
    try {
      await call(() => ordering.completeChallenge(challenge));
      await untilSettled(async () => {
        const all = await ordering.getAuthorizations(placed);
        const refused = all.find(({ status }) => status !== "valid" && status !== "pending");
        if (refused) {
          const { error } = refused.challenges.find(({ type }) => type === "http-01") ?? {};
          throw new Refused(error, `it calls the authorization ${refused.status}`);
        }
        return all.every(({ status }) => status === "valid") ? true : null;
      });
    } finally {
      await door.removeChallenge(asked);
    }
  }

  return async (domain, signal) => {
    const late = AbortSignal.timeout(deadlineMs);
    return await asOrder(signal ? AbortSignal.any([late, signal]) : late, async () => {
      try {
        return await order(domain);
      } catch (cause) {
        if (late.aborted) throw lateError(settings, domain, deadlineMs, cause);
        if (cause instanceof SlipwayError) throw cause;
        const { kind, why, notBefore } = reasonOf(cause);
        const message = `${settings.directory} gives no certificate for ${domain}: ${why}`;
        const hint = `http://${domain}/.well-known/acme-challenge/ must lead to this gateway on port 80. It is tried again.`;
        throw new AcmeError(kind, { message, hint, notBefore }, { cause });
      }
    });
  };
}

function lateError({ directory }: AcmeSettings, domain: string, deadlineMs: number, cause: unknown) {
  const message = `${directory} gave no certificate for ${domain} within ${deadlineMs / 1000} s.`;
  return new AcmeError("deadline", { message, hint: "It is tried again." }, { cause });
}

/** Null where there is none that can be used. */
async function readAccount(
  path: string,
  say: (message: string) => void,
): Promise<z.infer<typeof vAccount> | null> {
  const account = await readJson(path, vAccount);
  if (account !== "unreadable") return account;
  const aside = `${path}.unreadable`;
  await rename(path, aside);
  say(`${path} is not whole and is set aside as ${aside}: another account is made.`);
  return null;
}
