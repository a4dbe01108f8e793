import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet, type JWK } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSecret, sealSecret, vSealingKey } from "../../core/sealing.ts";
import { APPLICATION_ID, ISSUER, parseClaims } from "../../core/access.ts";
import { ensureKeys, mintToken, readKeys, rotateSigningKey, type Keys } from "./keys.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slipway-keys-"));
});
afterEach(async () => {
  await rm(dataDir, { recursive: true });
});

function publishedKeys({ jwks }: Keys): JSONWebKeySet {
  const [, base64 = ""] = jwks.split("base64,");
  return JSON.parse(Buffer.from(base64, "base64").toString()) as JSONWebKeySet;
}

test("keys are made once, private to their owner, and nothing secret is published", async () => {
  expect(await readKeys(dataDir)).toBeNull();
  const keys = await ensureKeys(dataDir);
  expect(await ensureKeys(dataDir)).toEqual(keys);
  expect(await readKeys(dataDir)).toEqual(keys);
  expect(keys.adminKey).toMatch(/^slipway\|[0-9a-f]{64}$/);
  expect((await stat(join(dataDir, "keys"))).mode & 0o777).toBe(0o700);
  for (const file of ["signing.jwk.json", "admin.key"]) {
    expect((await stat(join(dataDir, "keys", file))).mode & 0o777).toBe(0o600);
  }
  expect(publishedKeys(keys).keys).toEqual([expect.not.objectContaining({ d: expect.anything() })]);
});

test("a token verifies against the published keys and carries what the control plane reads", async () => {
  const keys = await ensureKeys(dataDir);
  const token = await mintToken(keys, {
    role: "agent",
    sub: "tester",
    ttlMs: 60_000,
    project: "project_1700000000000_abcdefgh",
    verbs: ["read", "logs"],
  });
  const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(publishedKeys(keys)), {
    issuer: ISSUER,
    audience: APPLICATION_ID,
    algorithms: ["ES256"],
  });
  expect(protectedHeader).toMatchObject({ alg: "ES256", typ: "JWT", kid: keys.privateJwk.kid });
  expect(payload.exp! - payload.iat!).toBe(60);
  expect(parseClaims({ ...payload, subject: payload.sub, issuer: payload.iss })).toEqual({
    subject: "tester",
    role: "agent",
    project: "project_1700000000000_abcdefgh",
    verbs: new Set(["read", "logs"]),
    host: undefined,
    tokenId: payload.jti,
  });
});

test("the key of attachments' credentials is made once, and private", async () => {
  await ensureKeys(dataDir);
  const file = join(dataDir, "keys", "attachments.key");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const made = await readFile(file, "utf8");
  expect(made).toMatch(/^[0-9a-f]{64}\n$/);
  await ensureKeys(dataDir);
  expect(await readFile(file, "utf8")).toBe(made);
});

test("a damaged key file is named, not replaced", async () => {
  await ensureKeys(dataDir);
  await writeFile(join(dataDir, "keys", "signing.jwk.json"), "{}");
  await expect(ensureKeys(dataDir)).rejects.toThrow(/keys .* are damaged/);
});

test("after a rotation, tokens of the old key verify until their time is over, and new ones have the new key", async () => {
  const old = await ensureKeys(dataDir);
  const request = { role: "viewer", sub: "vera", ttlMs: 60_000 } as const;
  const before = await mintToken(old, request);
  const rotated = await rotateSigningKey(dataDir, Date.now() + 60_000);
  expect(rotated.privateJwk.kid).not.toBe(old.privateJwk.kid);
  expect(await readKeys(dataDir)).toEqual(rotated);
  const after = await mintToken(rotated, request);
  const set = createLocalJWKSet(publishedKeys(rotated));
  for (const token of [before, after]) await expect(jwtVerify(token, set)).resolves.toBeDefined();
  expect(JSON.stringify(publishedKeys(rotated))).not.toContain('"d"');
  expect((await stat(join(dataDir, "keys", "retired.json"))).mode & 0o777).toBe(0o600);

  const again = await rotateSigningKey(dataDir, Date.now() - 1);
  const laterSet = createLocalJWKSet(publishedKeys(again));
  await expect(jwtVerify(before, laterSet)).resolves.toBeDefined();
  await expect(jwtVerify(after, laterSet)).rejects.toThrow();
});

test("what is sealed with the published key opens with the workers' file, which is private", async () => {
  const keys = await ensureKeys(dataDir);
  const file = join(dataDir, "keys", "secrets.jwk.json");
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(keys.secretsKey).not.toContain('"d"');
  const address = { namespace: "project_1700000000000_abcdefgh", name: "API_KEY" };
  const sealed = await sealSecret(vSealingKey.parse(JSON.parse(keys.secretsKey)), address, "s3cret");
  const { keys: privateKeys } = JSON.parse(await readFile(file, "utf8")) as { keys: JWK[] };
  expect(await openSecret(privateKeys, address, sealed)).toBe("s3cret");
});
