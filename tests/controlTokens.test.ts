import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConvexHttpClient } from "convex/browser";
import { afterAll, beforeAll, expect, test } from "vitest";
import { api } from "../convex/_generated/api.js";
import { makeSignInCode, openToken, sealToken, signInCodeHash } from "../core/signInLink.ts";
import { startBackend, type RunningBackend } from "../embedded/server.ts";
import { ensureKeys, mintToken, type Keys } from "../scripts/setup/keys.ts";
import { embeddedSecrets } from "../scripts/supervisor/backend.ts";

/** The embedded backend signs tokens for admins, and keeps neither them nor the key. */

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

let folder: string;
let keys: Keys;
let running: RunningBackend;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-tokens-"));
  keys = await ensureKeys(join(folder, "instance"));
  running = await startBackend({
    dir: join(REPOSITORY, "convex"),
    dbPath: join(folder, "database", "a.db"),
    sitePort: 0,
    env: { SLIPWAY_JWKS: keys.jwks },
    secretEnv: embeddedSecrets(keys),
  });
}, 120_000);
afterAll(async () => {
  await running?.close();
  await rm(folder, { recursive: true, force: true });
});

function clientWith(token: string | null): ConvexHttpClient {
  const client = new ConvexHttpClient(running.url, { logger: false });
  if (token !== null) client.setAuth(token);
  return client;
}

test("a token made by the backend is good, signs in by a link, ends when it is revoked, and is in no file", async () => {
  const first = await mintToken(keys, { role: "admin", sub: "ada", ttlMs: 60_000 });
  const admin = clientWith(first);
  const made = await admin.action(api.tokens.createToken, { role: "viewer", subject: "vera", ttlMs: 60_000 });

  const code = makeSignInCode();
  const codeHash = signInCodeHash(code);
  const sealed = sealToken(code, made.token);
  await admin.mutation(api.signIn.offer, { codeHash, sealed, expiresAt: Date.now() + 60_000 });
  const taken = await clientWith(null).mutation(api.signIn.take, { codeHash });
  const viewer = clientWith(openToken(code, taken.sealed));
  expect(await viewer.query(api.tokens.whoAmI, {})).toEqual({
    ...{ role: "viewer", subject: "vera", tokenId: made.tokenId },
    ...{ project: null, verbs: [], expiresAt: made.expiresAt },
  });

  const paginationOpts = { numItems: 5, cursor: null };
  expect((await viewer.query(api.projects.listProjects, { paginationOpts })).page).toEqual([]);
  await admin.mutation(api.tokens.revokeToken, { tokenId: made.tokenId });
  expect(await viewer.query(api.tokens.whoAmI, {})).toBeNull();

  const files = await readdir(join(folder, "database"), { recursive: true, withFileTypes: true });
  const written = await Promise.all(
    files.filter((file) => file.isFile()).map((file) => readFile(join(file.parentPath, file.name), "latin1")),
  );
  // What was really written is there, so that what is looked for would be found.
  expect(written.join("")).toContain(made.tokenId);
  for (const secret of [made.token, first, keys.privateJwk.d, code]) {
    expect(written.join("").includes(secret)).toBe(false);
  }
}, 60_000);
