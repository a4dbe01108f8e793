/** Tokens of every kind of provider: algorithms, key sets by URL, claims, and what is refused. */
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { SignJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { startBackend, type RunningBackend } from "../server.ts";
import { until } from "../testing/fixture.ts";
import { dataUri, Issuer, makeKey, mint, type Claims, type SigningKey } from "../testing/issuer.ts";
import { makeProject, type Project } from "../testing/project.ts";

const RS = "https://rs.example.com";
const ES = "https://es.example.com";

const AUTH_CONFIG = `export default { providers: [
  { type: "customJwt", applicationID: "app", issuer: "${RS}", jwks: process.env.RS_JWKS, algorithm: "RS256" },
  { type: "customJwt", issuer: "${ES}", jwks: process.env.ES_JWKS_URL, algorithm: "ES256" },
  { domain: process.env.OIDC_DOMAIN, applicationID: "oidc" },
] };`;
const FUNCTIONS = `import { queryGeneric } from "convex/server";
export const me = queryGeneric({ args: {}, handler: (ctx) => ctx.auth.getUserIdentity() });`;

const issuer = new Issuer();
const oidc = new Issuer();
let rsKey: SigningKey;
let esKey: SigningKey;
let project: Project;
let running: RunningBackend;

beforeAll(async () => {
  await Promise.all([issuer.start(), oidc.start()]);
  [rsKey, esKey] = await Promise.all([makeKey("rs", "RS256"), makeKey("es", "ES256")]);
  project = makeProject({}, { "convex/auth.config.ts": AUTH_CONFIG, "convex/users.ts": FUNCTIONS });
});

/** Each test begins with providers that have fetched nothing yet. */
beforeEach(async () => {
  await running?.close();
  issuer.keys = [esKey];
  issuer.behaviour = "answers";
  issuer.fetches = 0;
  running = await startBackend({
    ...{ dir: project.convexDir, dbPath: ":memory:" },
    env: { RS_JWKS: dataUri([rsKey]), ES_JWKS_URL: `${issuer.url}/jwks.json`, OIDC_DOMAIN: oidc.url },
  });
});

afterAll(async () => {
  await running.close();
  await Promise.all([issuer.stop(), oidc.stop()]);
  project.remove();
});

const me = makeFunctionReference<"query", Record<string, never>, Record<string, unknown> | null>("users:me");

const ask = (token: string): Promise<Record<string, unknown> | null> =>
  new ConvexHttpClient(running.url, { auth: token, logger: false }).query(me, {});

const rs = (claims: Partial<Claims> = {}): Promise<string> =>
  mint(rsKey, { issuer: RS, audience: "app", subject: "alice", ...claims });
const es = (key: SigningKey, claims: Partial<Claims> = {}): Promise<string> =>
  mint(key, { issuer: ES, subject: "alice", ...claims });

describe("what is accepted", () => {
  test("RS256, with its claims under Convex's names", async () => {
    const extra = { email: "a@example.com", email_verified: true, org: { id: 1 }, updated_at: 5 };
    expect(await ask(await rs({ extra }))).toEqual({
      ...{ tokenIdentifier: `${RS}|alice`, issuer: RS, subject: "alice", email: "a@example.com" },
      ...{ emailVerified: true, org: { id: 1 }, updatedAt: 5 },
    });
  });

  test("ES256 with keys from a URL, and any audience where none is asked for", async () => {
    expect(await ask(await es(esKey))).toMatchObject({ subject: "alice" });
    expect(await ask(await es(esKey, { audience: "whoever" }))).toMatchObject({ subject: "alice" });
  });

  test("OpenID Connect, with keys found through the issuer", async () => {
    oidc.keys = [rsKey];
    const token = await mint(rsKey, { issuer: oidc.url, audience: "oidc", subject: "carol" });
    expect(await ask(token)).toMatchObject({ tokenIdentifier: `${oidc.url}|carol` });
  });
});

describe("what is refused", () => {
  test.each<[string, Partial<Claims>]>([
    ["another audience", { audience: "somebody else" }],
    ["another issuer", { issuer: "https://elsewhere.example.com" }],
    ["an expired token", { expires: "-1h" }],
    ["a token that is not valid yet", { notBefore: "1h" }],
    ["a token for nobody", { subject: "" }],
  ])("%s", async (_name, claims) => {
    await expect(ask(await rs(claims))).rejects.toThrow("InvalidAuthHeader");
    expect(await ask(await rs())).toMatchObject({ subject: "alice" });
  });

  test("a key of the wrong kind, a forged signature, no signature", async () => {
    const forged = await makeKey("rs", "RS256");
    await expect(ask(await mint(forged, { issuer: RS, audience: "app", subject: "a" }))).rejects.toThrow(
      "InvalidAuthHeader",
    );
    await expect(ask(await mint(esKey, { issuer: RS, audience: "app", subject: "a" }))).rejects.toThrow(
      "InvalidAuthHeader",
    );
    const [, payload] = (await rs()).split(".");
    const none = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
    await expect(ask(`${none}.${payload}.`)).rejects.toThrow("InvalidAuthHeader");
  });

  test("a public key used as a shared secret", async () => {
    const secret = new TextEncoder().encode(JSON.stringify(rsKey.jwk));
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: "HS256", kid: "rs" })
      .setIssuer(RS)
      .setAudience("app")
      .setSubject("mallory")
      .setExpirationTime("1h")
      .sign(secret);
    await expect(ask(token)).rejects.toThrow("InvalidAuthHeader");
  });

  test("the message holds no part of the token", async () => {
    const token = await rs({ expires: "-1h" });
    const response = await fetch(`${running.url}/api/query`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ path: "users:me", args: {} }),
    });
    const text = await response.text();
    expect(response.status).toBe(401);
    for (const part of token.split(".")) expect(text).not.toContain(part);
  });
});

describe("a key set by URL", () => {
  test("is fetched once for many tokens", async () => {
    await Promise.all(Array.from({ length: 20 }, async () => ask(await es(esKey))));
    await ask(await es(esKey, { subject: "bob" }));
    expect(issuer.fetches).toBe(1);
  });

  test("is fetched again for a key that it lacks, but not for every such token", async () => {
    await ask(await es(esKey));
    const rotated = await makeKey("es-2", "ES256");
    const unknown = await makeKey("es-unknown", "ES256");
    issuer.keys = [rotated];
    await until("the rotated key", async () => {
      await ask(await es(unknown)).catch(() => null);
      return ask(await es(rotated)).catch(() => null);
    });
    expect(issuer.fetches).toBe(2);
    await expect(ask(await es(esKey))).rejects.toThrow("InvalidAuthHeader");
  });

  test("that cannot be had refuses the token in bounded time, and nobody else's", async () => {
    issuer.behaviour = "fails";
    await expect(ask(await es(esKey))).rejects.toThrow("InvalidAuthHeader");
    issuer.behaviour = "hangs";
    const began = performance.now();
    const waiting = expect(ask(await es(esKey))).rejects.toThrow("InvalidAuthHeader");
    expect(await ask(await rs())).toMatchObject({ subject: "alice" });
    expect(performance.now() - began).toBeLessThan(4_000);
    await waiting;
    expect(performance.now() - began).toBeLessThan(10_000);
    issuer.behaviour = "answers";
    expect(await ask(await es(esKey))).toMatchObject({ subject: "alice" });
  });
});

describe("a change of the environment", () => {
  const set = (name: string, value: string | null): Promise<Response> =>
    fetch(`${running.url}/api/update_environment_variables`, {
      method: "POST",
      headers: { authorization: `Convex ${running.adminKey}` },
      body: JSON.stringify({ changes: [{ name, value }] }),
    });

  test("has auth.config read its variables again, without a push", async () => {
    const next = await makeKey("rs-2", "RS256");
    const token = await mint(next, { issuer: RS, audience: "app", subject: "dora" });
    await expect(ask(token)).rejects.toThrow("InvalidAuthHeader");
    expect((await set("RS_JWKS", dataUri([next]))).status).toBe(200);
    expect(await ask(token)).toMatchObject({ subject: "dora" });
    await expect(ask(await rs())).rejects.toThrow("InvalidAuthHeader");
  });

  test("that auth.config cannot live with is refused, and nothing changes", async () => {
    const removed = await set("RS_JWKS", null);
    expect([removed.status, await removed.json()]).toEqual([
      400,
      {
        code: "AuthConfigMissingEnvironmentVariable",
        message: "Environment variable RS_JWKS is used in auth config file but its value was not set",
      },
    ]);
    expect((await set("RS_JWKS", "data:application/json,nonsense")).status).toBe(400);
    expect(await ask(await rs())).toMatchObject({ subject: "alice" });
  });

  test("of another variable leaves the fetched keys alone", async () => {
    await ask(await es(esKey));
    expect((await set("COLOUR", "green")).status).toBe(200);
    await ask(await es(esKey));
    expect(issuer.fetches).toBe(1);
  });
});
