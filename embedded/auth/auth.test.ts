/** Users' tokens through Convex's own client: signature, audience, expiry, and who sees what. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { exportJWK, generateKeyPair, SignJWT, type JWK } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { api } from "../fixtures/app/convex/_generated/api.js";
import type { RunningBackend } from "../server.ts";
import { startFixture, until } from "../testing/fixture.ts";

let running: RunningBackend;
let keys: CryptoKeyPair;

interface TokenOptions {
  readonly audience?: string;
  readonly issuer?: string;
  readonly expires?: string;
  readonly key?: CryptoKey;
}

const mint = (subject: string, options: TokenOptions = {}): Promise<string> =>
  new SignJWT({ role: "tester" })
    .setProtectedHeader({ alg: "ES256", kid: "one" })
    .setSubject(subject)
    .setIssuer(options.issuer ?? "https://issuer.example.com")
    .setAudience(options.audience ?? "fixture")
    .setIssuedAt()
    .setExpirationTime(options.expires ?? "1h")
    .sign(options.key ?? keys.privateKey);

beforeAll(async () => {
  keys = (await generateKeyPair("ES256", { extractable: true })) as CryptoKeyPair;
  const jwk: JWK = { ...(await exportJWK(keys.publicKey)), kid: "one", alg: "ES256", use: "sig" };
  const jwks = `data:application/json;base64,${Buffer.from(JSON.stringify({ keys: [jwk] })).toString("base64")}`;
  running = await startFixture({ env: { JWKS: jwks } });
});

afterAll(() => running.close());

const ask = async (token: string): Promise<string | null> =>
  new ConvexHttpClient(running.url, { auth: token, logger: false }).query(api.messages.whoAmI, {});

test("a good token names its user, over HTTP", async () => {
  expect(await ask(await mint("alice"))).toBe("alice");
});

test.each<[string, TokenOptions]>([
  ["another audience", { audience: "somebody else" }],
  ["another issuer", { issuer: "https://elsewhere.example.com" }],
  ["an expired one", { expires: "-1h" }],
])("is refused: %s", async (_name, options) => {
  await expect(ask(await mint("alice", options))).rejects.toThrow("InvalidAuthHeader");
});

test("a forged signature is refused", async () => {
  const other = (await generateKeyPair("ES256")) as CryptoKeyPair;
  await expect(ask(await mint("alice", { key: other.privateKey }))).rejects.toThrow("InvalidAuthHeader");
  await expect(ask("no.token.atall")).rejects.toThrow("InvalidAuthHeader");
});

test("each connection sees its own user, also when two ask the same", async () => {
  const clients = ["alice", "bob"].map((user) => {
    const client = new ConvexClient(running.url, { logger: false });
    client.setAuth(() => mint(user));
    return client;
  });
  const seen: Record<number, (string | null)[]> = { 0: [], 1: [] };
  for (const [i, client] of clients.entries()) {
    client.onUpdate(api.messages.whoAmI, {}, (subject) => seen[i]!.push(subject));
  }
  await until("both users", () => seen[0]!.at(-1) === "alice" && seen[1]!.at(-1) === "bob");
  expect(seen[0]).not.toContain("bob");
  expect(seen[1]).not.toContain("alice");
  for (const client of clients) await client.close();
});

test("a refused token tells the client, which goes on without it", async () => {
  const client = new ConvexClient(running.url, { logger: false });
  const changes: boolean[] = [];
  client.setAuth(
    () => mint("alice", { audience: "wrong" }),
    (isAuthenticated) => changes.push(isAuthenticated),
  );
  await until("the refusal", () => changes.includes(false));
  expect(await client.query(api.messages.whoAmI, {})).toBeNull();
  await client.close();
});
