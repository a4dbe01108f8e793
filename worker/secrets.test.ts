import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, generateKeyPair } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseManifest } from "../core/manifest.ts";
import type { ProjectSpec } from "../core/projectSpec.ts";
import { sealingKeyOf, sealSecret, type SealingKey } from "../core/sealing.ts";
import { secretsFrom } from "./secrets.ts";

let dataDir: string;
let key: SealingKey;

const spec: ProjectSpec = {
  projectId: "p",
  slug: "shop",
  name: "shop",
  namespace: "project_1700000000000_abcdefgh",
  status: "development",
  manifest: parseManifest({ name: "shop", stack: "node", env: { LOG_LEVEL: "info" } }),
  environments: [],
};

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slipway-secrets-"));
  await mkdir(join(dataDir, "keys"));
  const { privateKey } = await generateKeyPair("ECDH-ES", { crv: "P-256", extractable: true });
  const jwk = await exportJWK(privateKey);
  key = await sealingKeyOf(jwk);
  await writeFile(join(dataDir, "keys", "secrets.jwk.json"), JSON.stringify({ keys: [jwk] }));
});
afterEach(async () => {
  await rm(dataDir, { recursive: true });
});

test("opened secrets stand beside the sealed ones, for the moment in which a container is made", async () => {
  const sealed = await sealSecret(key, { namespace: spec.namespace, name: "API_KEY" }, "s3cret");
  const opened = await secretsFrom(dataDir)({ ...spec, secrets: { API_KEY: sealed } });
  expect(opened.opened).toEqual({ API_KEY: "s3cret" });
  expect(opened.secrets).toEqual({ API_KEY: sealed });
  expect(opened.manifest.env).toEqual({ LOG_LEVEL: "info" });
});

test("a secret that is a password of the gateway's becomes a hash there, the same each time, and no variable", async () => {
  const sealed = await sealSecret(key, { namespace: spec.namespace, name: "ANNA" }, "pass:word");
  const manifest = parseManifest({
    name: "shop",
    services: { web: { stack: "node", gateway: { basicAuth: [{ user: "anna", secret: "ANNA" }] } } },
  });
  const open = secretsFrom(dataDir);
  const [one, two] = [0, 1].map(() => open({ ...spec, manifest, secrets: { ANNA: sealed } }));
  expect(await one).toMatchObject({ secrets: {}, opened: {} });
  const [user] = (await one!).manifest.services!.web!.gateway!.basicAuth!;
  expect(user).toEqual({ user: "anna", hash: expect.stringMatching(/^pbkdf2-sha256\$20000\$/) });
  expect(await two).toEqual(await one);
  expect(JSON.stringify(await one)).not.toContain("pass:word");
});

test("a project without secrets needs no keys", async () => {
  await rm(join(dataDir, "keys"), { recursive: true });
  expect(await secretsFrom(dataDir)(spec)).toBe(spec);
});

test("without the keys it says where they should be, and nothing of the secret", async () => {
  const sealed = await sealSecret(key, { namespace: spec.namespace, name: "API_KEY" }, "s3cret");
  await rm(join(dataDir, "keys"), { recursive: true });
  const opening = secretsFrom(dataDir)({ ...spec, secrets: { API_KEY: sealed } });
  await expect(opening).rejects.toThrow("secrets.jwk.json");
});
