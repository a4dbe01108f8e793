import { exportJWK, generateKeyPair, jwtVerify } from "jose";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseClaims, verbsOf } from "../core/access.ts";
import { driverOf, openConvexTest } from "../tests/controlPlane/convexTestDriver.ts";
import { ADMIN, agentOf, VIEWER, WORKER, type Driver } from "../tests/controlPlane/driver.ts";
import { expectRefused } from "../tests/controlPlane/expectRefused.ts";
import { allEvents, createProject } from "../tests/controlPlane/world.ts";
import { api } from "./_generated/api.js";

/** Tokens that admins make through the deployment. */

const HOUR_MS = 3_600_000;
let publicKey: CryptoKey;

beforeEach(async () => {
  const pair = await generateKeyPair("ES256", { extractable: true });
  publicKey = pair.publicKey;
  vi.stubEnv("SLIPWAY_SIGNING_KEY", JSON.stringify({ ...(await exportJWK(pair.privateKey)), kid: "k1" }));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const driver = () => driverOf(openConvexTest());
const list = async (of: Driver) => {
  const paginationOpts = { numItems: 10, cursor: null };
  return (await of.as(ADMIN).query(api.tokens.listTokens, { paginationOpts })).page;
};

async function claimsOf(token: string) {
  const { payload } = await jwtVerify(token, publicKey, { audience: "slipway" });
  return { claims: parseClaims({ ...payload, subject: payload.sub, issuer: payload.iss })!, payload };
}

describe("createToken", () => {
  test("signs what was asked for, and lists it without the token", async () => {
    const of = driver();
    const { projectId } = await createProject(of, "shop");
    const before = Date.now();
    const made = await of.as(ADMIN).action(api.tokens.createToken, {
      ...{ role: "agent", agent: "developer", project: "shop", ttlMs: HOUR_MS, note: "for robin" },
    });
    const { claims, payload } = await claimsOf(made.token);
    expect(claims).toMatchObject({
      ...{ role: "agent", subject: "developer", project: projectId, tokenId: made.tokenId },
    });
    expect([...claims.verbs].sort()).toEqual([...verbsOf("developer")].sort());
    expect(made.expiresAt).toBeGreaterThanOrEqual(before + HOUR_MS);
    expect(payload.exp).toBe(Math.ceil(made.expiresAt / 1000));
    const rows = await list(of);
    expect(rows).toMatchObject([
      { tokenId: made.tokenId, project: "shop", subject: "developer", note: "for robin", issuedBy: "ada" },
    ]);
    expect(rows[0]!.expiresAt).toBe(made.expiresAt);
    expect(JSON.stringify([rows, await allEvents(of)])).not.toContain(made.token);
  });

  test("gives others no verbs, and the name that was said", async () => {
    const of = driver();
    const made = await of
      .as(ADMIN)
      .action(api.tokens.createToken, { role: "viewer", subject: " vera ", ttlMs: HOUR_MS });
    expect((await claimsOf(made.token)).claims).toMatchObject({ role: "viewer", subject: "vera" });
    expect((await claimsOf(made.token)).payload).not.toHaveProperty("verbs");
  });

  test("is for admins, and makes none for a worker", async () => {
    const of = driver();
    const { projectId } = await createProject(of, "shop");
    for (const claims of [VIEWER, WORKER, agentOf(projectId, "read")]) {
      const call = of.as(claims).action(api.tokens.createToken, { role: "viewer", ttlMs: HOUR_MS });
      await expectRefused(call, "forbidden");
    }
    const worker = { role: "worker", ttlMs: HOUR_MS } as unknown as { role: "viewer"; ttlMs: number };
    await expect(of.as(ADMIN).action(api.tokens.createToken, worker)).rejects.toThrow(/[Vv]alidat/);
    expect(await list(of)).toEqual([]);
  });

  test("lets an admin of one project make tokens of that project alone", async () => {
    const of = driver();
    const { projectId } = await createProject(of, "mine");
    await createProject(of, "other");
    const own = of.as({ ...ADMIN, project: projectId });
    const make = (project?: string) =>
      own.action(api.tokens.createToken, { role: "admin", project, ttlMs: HOUR_MS });
    await expectRefused(make(), "forbidden");
    await expectRefused(make("other"), "not_found");
    expect((await claimsOf((await make("mine")).token)).claims).toMatchObject({ project: projectId });
    expect(await list(of)).toHaveLength(1);
  });

  test.each([
    ["an agent's without a project", { role: "agent", ttlMs: HOUR_MS }],
    ["a viewer's with verbs", { role: "viewer", verbs: ["read"], ttlMs: HOUR_MS }],
    ["a viewer's with an agent's name", { role: "viewer", agent: "tester", ttlMs: HOUR_MS }],
    [
      "one with a verb that does not exist",
      { role: "agent", project: "shop", verbs: ["fly"], ttlMs: HOUR_MS },
    ],
    ["one that ends at once", { role: "viewer", ttlMs: 0 }],
    ["one that never ends", { role: "viewer", ttlMs: Infinity }],
    ["one for no number of milliseconds", { role: "viewer", ttlMs: NaN }],
    ["one with a name that is too long", { role: "viewer", subject: "x".repeat(101), ttlMs: HOUR_MS }],
  ] as const)("refuses %s", async (_, request) => {
    const of = driver();
    await createProject(of, "shop");
    const { verbs, ...rest } = { verbs: undefined, ...request };
    const asked = { ...rest, ...(verbs && { verbs: [...verbs] }) };
    await expectRefused(of.as(ADMIN).action(api.tokens.createToken, asked), "bad_request");
    expect(await list(of)).toEqual([]);
  });

  test("says what to type where the deployment does not hold the key, and registers nothing", async () => {
    vi.stubEnv("SLIPWAY_SIGNING_KEY", "");
    const of = driver();
    const call = of.as(ADMIN).action(api.tokens.createToken, { role: "viewer", ttlMs: HOUR_MS });
    expect((await expectRefused(call, "setup")).hint).toContain("slipway token create");
    expect(await list(of)).toEqual([]);
    // Whether it holds the key is nobody's business but an admin's.
    const viewer = of.as(VIEWER).action(api.tokens.createToken, { role: "viewer", ttlMs: HOUR_MS });
    await expectRefused(viewer, "forbidden");
  });
});
