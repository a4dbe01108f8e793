import { readFile } from "node:fs/promises";
import https from "node:https";
import { join } from "node:path";
import * as acme from "acme-client";
import * as z from "zod";
import { SlipwayError } from "../../core/errors.ts";
import type { CertificateDoor } from "../gateway/certificateDoor.ts";
import type { CertificatePair } from "./certificateFacts.ts";
import { readIfThere, writePrivate } from "./privateFiles.ts";

const CALL_MS = 30_000;
const ORDER_MS = 180_000;
/** Between two looks at what the authority is doing. */
const PATIENCE = { backoffMin: 1_000, backoffMax: 10_000, backoffAttempts: 20 };

export type AcmeSettings = {
  /** The directory's URL, like https://acme-v02.api.letsencrypt.org/directory. Setting it is agreeing to its terms. */
  directory: string;
  /** Whom the authority tells of trouble. */
  email?: string;
  /** A file with the CA, as PEM, that the directory's own certificate is from, where that is no public one. */
  caFile?: string;
};

/** Gets a certificate for one domain. @throws SlipwayError `deadline` or `gateway`, without keys in it */
export type AcmeIssuer = (domain: string) => Promise<CertificatePair>;

const vAccount = z.object({ directory: z.string(), key: z.string(), url: z.string().optional() });

/** Orders from an ACME server (RFC 8555) with HTTP-01, which the gateway answers. The account is kept in `folder`. */
export function acmeIssuer(settings: AcmeSettings, folder: string, door: CertificateDoor): AcmeIssuer {
  const accountPath = join(folder, "account.json");

  async function client(): Promise<acme.Client> {
    acme.axios.defaults.timeout = CALL_MS;
    if (settings.caFile !== undefined) {
      acme.axios.defaults.httpsAgent = new https.Agent({ ca: await readFile(settings.caFile) });
    }
    const known = await readAccount(accountPath);
    if (known?.directory === settings.directory && known.url !== undefined) {
      return new acme.Client({
        ...PATIENCE,
        directoryUrl: settings.directory,
        accountKey: known.key,
        accountUrl: known.url,
      });
    }
    const key =
      known?.directory === settings.directory
        ? known.key
        : (await acme.crypto.createPrivateEcdsaKey()).toString();
    // Kept before it is used: an account whose key is lost could never be used again.
    await writePrivate(accountPath, JSON.stringify({ directory: settings.directory, key }));
    const made = new acme.Client({ ...PATIENCE, directoryUrl: settings.directory, accountKey: key });
    await made.createAccount({
      termsOfServiceAgreed: true,
      ...(settings.email !== undefined && { contact: [`mailto:${settings.email}`] }),
    });
    await writePrivate(
      accountPath,
      JSON.stringify({ directory: settings.directory, key, url: made.getAccountUrl() }),
    );
    return made;
  }

  async function order(domain: string): Promise<CertificatePair> {
    const ordering = await client();
    const key = await acme.crypto.createPrivateEcdsaKey();
    const [, request] = await acme.crypto.createCsr({ commonName: domain, altNames: [domain] }, key);
    const placed = await ordering.createOrder({ identifiers: [{ type: "dns", value: domain }] });
    for (const authorization of await ordering.getAuthorizations(placed)) {
      if (authorization.status === "valid") continue;
      await answer(ordering, authorization);
    }
    await ordering.finalizeOrder(placed, request);
    const chain = await ordering.getCertificate(placed);
    return { chain, key: key.toString() };
  }

  async function answer(ordering: acme.Client, authorization: acme.Authorization): Promise<void> {
    const challenge = authorization.challenges.find(({ type }) => type === "http-01");
    if (!challenge)
      throw new Error(`${settings.directory} offers no HTTP-01 for ${authorization.identifier.value}.`);
    const asked = {
      host: authorization.identifier.value,
      token: challenge.token,
      answer: await ordering.getChallengeKeyAuthorization(challenge),
    };
    await door.putChallenge(asked);
    try {
      await ordering.completeChallenge(challenge);
      await ordering.waitForValidStatus(challenge);
    } finally {
      await door.removeChallenge(asked);
    }
  }

  return async (domain) => {
    const late = new AbortController();
    const deadline = new Promise<never>((_resolve, reject) => {
      const timer = setTimeout(() => {
        reject(
          new SlipwayError({
            code: "deadline",
            message: `${settings.directory} gave no certificate for ${domain} within ${ORDER_MS / 1000} s.`,
            hint: "It is tried again.",
          }),
        );
      }, ORDER_MS);
      late.signal.addEventListener("abort", () => clearTimeout(timer));
    });
    try {
      return await Promise.race([order(domain), deadline]);
    } catch (cause) {
      if (cause instanceof SlipwayError) throw cause;
      throw new SlipwayError(
        {
          code: "gateway",
          message: `${settings.directory} gives no certificate for ${domain}: ${cause instanceof Error ? cause.message : String(cause)}`,
          hint: `http://${domain}/.well-known/acme-challenge/ must lead to this gateway on port 80. It is tried again.`,
        },
        { cause },
      );
    } finally {
      late.abort();
    }
  };
}

async function readAccount(path: string): Promise<z.infer<typeof vAccount> | null> {
  const text = await readIfThere(path);
  if (text === null) return null;
  const parsed = vAccount.safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : null;
}
