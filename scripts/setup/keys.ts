import { randomBytes, randomUUID } from "node:crypto";
import { chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, SignJWT } from "jose";
import * as z from "zod";
import { APPLICATION_ID, ISSUER, type Role } from "../../core/access.ts";
import { SlipwayError } from "../../core/errors.ts";
import { sealingKeyOf } from "../../core/sealing.ts";
import { dataPaths, ensurePrivateFolder, isErrorCode, writePrivateFile } from "./dataDir.ts";
import { readRetiredKeys, type RetiredKey } from "./retiredKeys.ts";

/** The name that the embedded backend's admin key carries, as Convex's admin keys do: `<instance>|<secret>`. */
const ADMIN_KEY_NAME = "slipway";
const ADMIN_KEY = /^[a-z0-9-]+\|[0-9a-f]{64}$/;

const vPrivateJwk = z.strictObject({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
  d: z.string(),
  kid: z.string(),
  alg: z.literal("ES256"),
  use: z.literal("sig"),
});

export type Keys = {
  privateJwk: z.infer<typeof vPrivateJwk>;
  /** A `data:` URI with the public half, and those of retired keys, for the deployment's variable SLIPWAY_JWKS. */
  jwks: string;
  /** The public key that secrets are sealed with, as JSON, for the deployment's variable SLIPWAY_SECRETS_KEY. */
  secretsKey: string;
  /** The embedded backend's admin key: it may deploy code and read everything. */
  adminKey: string;
  /** The file that holds it. */
  adminKeyPath: string;
};

export type TokenRequest = {
  role: Role;
  /** Who acts, as the audit shows it. */
  sub: string;
  ttlMs: number;
  /** Of an agent: its one project, and what it may do there. */
  project?: string;
  verbs?: string[];
  /** Of a worker: the one host that it speaks for. */
  host?: string;
};

/**
 * The instance's keys, made on the first call and the same ever after: files of mode 0600 in a folder of mode 0700.
 * @throws SlipwayError `setup` where a key file is there but is none
 */
export async function ensureKeys(dataDir: string): Promise<Keys> {
  const folder = dataPaths(dataDir).keys;
  await ensurePrivateFolder(folder);
  await chmod(folder, 0o700);
  const signing = await readOrMake(join(folder, "signing.jwk.json"), makeSigningKey);
  const adminKey = await readOrMake(adminKeyIn(folder), async () => {
    return `${ADMIN_KEY_NAME}|${randomBytes(32).toString("hex")}\n`;
  });
  const secrets = await readOrMake(secretsKeysIn(folder), makeSecretsKeys);
  await readOrMake(attachmentsKeyIn(folder), async () => `${randomBytes(32).toString("hex")}\n`);
  return await parseKeys(folder, signing, adminKey, secrets);
}

/** The instance's keys, or null where none were made yet. Makes nothing. */
export async function readKeys(dataDir: string): Promise<Keys | null> {
  const folder = dataPaths(dataDir).keys;
  const signing = await readIfThere(join(folder, "signing.jwk.json"));
  const adminKey = await readIfThere(adminKeyIn(folder));
  const secrets = await readIfThere(secretsKeysIn(folder));
  if (signing === null || adminKey === null || secrets === null) return null;
  return await parseKeys(folder, signing, adminKey, secrets);
}

/**
 * Makes a new signing key. Tokens that the old one signed stay good until `untilMs` (ms since 1970): until then its
 * public half is among the published keys. They take effect once the deployment's SLIPWAY_JWKS is set to them.
 */
export async function rotateSigningKey(dataDir: string, untilMs: number): Promise<Keys> {
  const { privateJwk } = await ensureKeys(dataDir);
  const folder = dataPaths(dataDir).keys;
  const { d: _secret, ...jwk } = privateJwk;
  const retired: RetiredKey[] = [...(await readRetiredKeys(folder)), { jwk, untilMs }];
  // The old key is known as retired before it stops being the one that signs: a crash in between ends no token.
  await writePrivateFile(join(folder, "retired.json"), JSON.stringify(retired));
  await writePrivateFile(join(folder, "signing.jwk.json"), await makeSigningKey());
  return await ensureKeys(dataDir);
}

/** A signed JWT for Convex's `customJwt` auth, good from now for `ttlMs`. */
export async function mintToken(keys: Keys, request: TokenRequest): Promise<string> {
  const { role, sub, ttlMs, project, verbs, host } = request;
  const issuedAt = Math.floor(Date.now() / 1000);
  const tokenId = randomUUID();
  return await new SignJWT({ role, tid: tokenId, project, verbs, host })
    .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: keys.privateJwk.kid })
    .setIssuer(ISSUER)
    .setAudience(APPLICATION_ID)
    .setSubject(sub)
    .setJti(tokenId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + Math.ceil(ttlMs / 1000))
    .sign(await importJWK(keys.privateJwk, "ES256"));
}

function adminKeyIn(folder: string): string {
  return join(folder, "admin.key");
}

/** The file with the private keys that open secrets, newest first; for the workers alone. */
function secretsKeysIn(folder: string): string {
  return join(folder, "secrets.jwk.json");
}

/** The file with the key that credentials of attachments come of; for the workers alone, and the same on each host. */
function attachmentsKeyIn(folder: string): string {
  return join(folder, "attachments.key");
}

async function makeSecretsKeys(): Promise<string> {
  const { privateKey } = await generateKeyPair("ECDH-ES", { crv: "P-256", extractable: true });
  const jwk = await exportJWK(privateKey);
  return JSON.stringify({ keys: [{ ...jwk, kid: await calculateJwkThumbprint(jwk) }] });
}

async function makeSigningKey(): Promise<string> {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(privateKey);
  const kid = await calculateJwkThumbprint(jwk);
  return JSON.stringify({ ...jwk, kid, alg: "ES256", use: "sig" });
}

const vSecretsKeys = z.object({
  keys: z.array(z.looseObject({ kty: z.literal("EC"), x: z.string(), y: z.string(), d: z.string() })).min(1),
});

async function parseKeys(folder: string, signing: string, adminKey: string, secrets: string): Promise<Keys> {
  const privateJwk = vPrivateJwk.safeParse(parseJson(signing));
  const secretsKeys = vSecretsKeys.safeParse(parseJson(secrets));
  if (!privateJwk.success || !secretsKeys.success || !ADMIN_KEY.test(adminKey.trim())) {
    throw new SlipwayError({
      code: "setup",
      message: `The keys in ${folder} are damaged.`,
      hint: "Restore that folder from a backup, or remove it and start again: new keys are made, old tokens end.",
    });
  }
  const { d: _secret, ...publicJwk } = privateJwk.data;
  const retired = (await readRetiredKeys(folder)).filter(({ untilMs }) => untilMs > Date.now());
  const published = [publicJwk, ...retired.map(({ jwk }) => jwk)];
  const set = Buffer.from(JSON.stringify({ keys: published })).toString("base64");
  return {
    privateJwk: privateJwk.data,
    jwks: `data:text/plain;charset=utf-8;base64,${set}`,
    secretsKey: JSON.stringify(await sealingKeyOf(secretsKeys.data.keys[0]!)),
    adminKey: adminKey.trim(),
    adminKeyPath: adminKeyIn(folder),
  };
}

async function readOrMake(path: string, make: () => Promise<string>): Promise<string> {
  const existing = await readIfThere(path);
  if (existing !== null) return existing;
  await writePrivateFile(path, await make());
  return await readFile(path, "utf8");
}

async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isErrorCode(error, "ENOENT")) return null;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
