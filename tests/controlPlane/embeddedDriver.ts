import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference, type FunctionReference } from "convex/server";
import { exportJWK, generateKeyPair, SignJWT, type JWK } from "jose";
import { APPLICATION_ID, ISSUER } from "../../core/access.ts";
import { startBackend, type RunningBackend } from "../../embedded/server.ts";
import type { Caller, Driver, TestClaims } from "./driver.ts";
import { TEST_SEALING_KEY } from "./secrets.ts";

/** The embedded backend, reached as users reach it: the unmodified HTTP client, and tokens that are really signed. */

const HOUR_S = 3600;

export type EmbeddedDriver = Driver & {
  running: RunningBackend;
  /** A token as `as` sends it; `ttlS` in seconds, negative for one that has ended. */
  mint(claims: TestClaims, ttlS?: number): Promise<string>;
};

export type EmbeddedFactory = {
  /** The one backend that the factory's tests take turns with, emptied. */
  open(): Promise<EmbeddedDriver>;
  /** A backend of its own, whose variables `env` adds to; the driver's `close` ends it. */
  openOwn(env?: Record<string, string>): Promise<EmbeddedDriver>;
  close(): Promise<void>;
};

/**
 * For backends with `convex/` and, beside it, one function that empties all tables. The shared one starts when it is
 * first opened: starting takes seconds.
 * @param modules more modules to put beside, by file name, with their source
 */
export async function embeddedFactory(modules: Record<string, string> = {}): Promise<EmbeddedFactory> {
  const folder = await mkdtemp(join(tmpdir(), "slipway-control-"));
  const dir = await writeApp(folder, { "testing.ts": WIPE, ...modules });
  const keys = await makeKeys();
  let opened = 0;
  const start = async (env: Record<string, string> = {}) => {
    const running = await startBackend({
      dir,
      dbPath: join(folder, `${++opened}.db`),
      sitePort: 0,
      env: { SLIPWAY_JWKS: keys.jwks, SLIPWAY_SECRETS_KEY: JSON.stringify(TEST_SEALING_KEY), ...env },
      // What a crash of the machine would lose is not what these tests are about.
      durability: "normal",
    });
    return driverOf(running, keys);
  };
  let shared: Promise<EmbeddedDriver> | undefined;
  return {
    async open() {
      const driver = await (shared ??= start());
      await wipe(driver.running);
      return { ...driver, close: () => Promise.resolve() };
    },
    openOwn: start,
    async close() {
      await (await shared)?.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

async function writeApp(folder: string, modules: Record<string, string>): Promise<string> {
  const dir = join(folder, "convex");
  const isTest = (path: string) => path.endsWith(".test.ts");
  await cp(join(REPOSITORY, "convex"), dir, { recursive: true, filter: (path) => !isTest(path) });
  for (const name of ["core", "node_modules"]) await symlink(join(REPOSITORY, name), join(folder, name));
  for (const [name, source] of Object.entries(modules)) await writeFile(join(dir, name), source);
  return dir;
}

const WIPE = `
import { v } from "convex/values";
import { internalMutation } from "./_generated/server";
import schema from "./schema";

export const wipe = internalMutation({
  args: {},
  returns: v.null(),
  handler: async (ctx) => {
    for (const table of Object.keys(schema.tables) as any[]) {
      for (const row of await ctx.db.query(table).collect()) await ctx.db.delete(table, row._id);
    }
    for (const job of await ctx.db.system.query("_scheduled_functions").collect()) {
      if (job.state.kind === "pending") await ctx.scheduler.cancel(job._id);
    }
    return null;
  },
});
`;

async function wipe(running: RunningBackend): Promise<void> {
  await operatorOf(running).mutation(makeFunctionReference<"mutation">("testing:wipe"), {});
}

/** A client that may call internal functions: it holds the admin key, as `npx convex run` does. */
export function operatorOf({ url, adminKey }: RunningBackend): ConvexHttpClient {
  const operator: ConvexHttpClient & { setAdminAuth?: (key: string) => void } = new ConvexHttpClient(url);
  operator.setAdminAuth?.(adminKey);
  return operator;
}

type Keys = { jwks: string; privateKey: CryptoKey; kid: string };

async function makeKeys(): Promise<Keys> {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  const kid = "suite";
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" };
  const set = Buffer.from(JSON.stringify({ keys: [jwk] })).toString("base64");
  return { jwks: `data:text/plain;charset=utf-8;base64,${set}`, privateKey, kid };
}

function driverOf(running: RunningBackend, keys: Keys): EmbeddedDriver {
  const mint = async (claims: TestClaims, ttlS = HOUR_S) => {
    const { role, subject, project, verbs, host, tokenId = `token-of-${claims.subject}` } = claims;
    const now = Math.floor(Date.now() / 1000);
    return await new SignJWT({ role, project, verbs, host, tid: tokenId })
      .setProtectedHeader({ alg: "ES256", typ: "JWT", kid: keys.kid })
      .setIssuer(ISSUER)
      .setAudience(APPLICATION_ID)
      .setSubject(subject)
      .setIssuedAt(now - 2 * HOUR_S)
      .setExpirationTime(now + ttlS)
      .sign(keys.privateKey);
  };
  const callers = new Map<string, Caller>();
  const remembered = (key: string, make: () => Caller) => {
    const known = callers.get(key) ?? make();
    callers.set(key, known);
    return known;
  };
  return {
    running,
    mint,
    as(claims) {
      if (!claims) return callerOf(running, () => Promise.resolve(null));
      return remembered(JSON.stringify(claims), () => {
        const token = mint(claims);
        return callerOf(running, () => token);
      });
    },
    async ended(claims) {
      const token = await mint(claims, -HOUR_S);
      return callerOf(running, () => Promise.resolve(token));
    },
    close: () => running.close(),
  };
}

function callerOf(running: RunningBackend, token: () => Promise<string | null>): Caller {
  const client = token().then((text) => {
    const http = new ConvexHttpClient(running.url, { logger: false });
    if (text !== null) http.setAuth(text);
    return http;
  });
  return {
    query: async (fn, args) => await (await client).query<FunctionReference<"query">>(fn, args),
    // Without the client's own queue: calls at the same time shall meet in the backend.
    mutation: async (fn, args) =>
      await (await client).mutation<FunctionReference<"mutation">>(fn, args, { skipQueue: true }),
    action: async (fn, args) => await (await client).action<FunctionReference<"action">>(fn, args),
    async fetch(path, init) {
      const text = await token();
      const headers = new Headers(init?.headers);
      if (text !== null) headers.set("authorization", `Bearer ${text}`);
      return await fetch(running.siteUrl + path, { ...init, headers, signal: AbortSignal.timeout(20_000) });
    },
  };
}
