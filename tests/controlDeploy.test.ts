import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { exportJWK, generateKeyPair } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBackend, type RunningBackend } from "../embedded/server.ts";
import { CLI } from "../embedded/testing/cli.ts";

/** Convex's own command line against the embedded backend, with this very `convex/` folder. */

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

let folder: string;
let running: RunningBackend;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-deploy-"));
  running = await startBackend({ dir: null, dbPath: join(folder, "a.db"), sitePort: 0 });
});
afterAll(async () => {
  await running?.close();
  await rm(folder, { recursive: true, force: true });
});

async function convex(...args: string[]): Promise<string> {
  const { CONVEX_DEPLOYMENT: _other, ...inherited } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...args], {
    cwd: REPOSITORY,
    env: {
      ...inherited,
      CONVEX_SELF_HOSTED_URL: running.url,
      CONVEX_SELF_HOSTED_ADMIN_KEY: running.adminKey,
      NO_COLOR: "1",
    },
    timeout: 90_000,
  });
  return stdout;
}

async function run(fn: string, args: object): Promise<unknown> {
  return JSON.parse(await convex("run", fn, JSON.stringify(args)));
}

test("convex deploy takes the control plane, and convex run admin:… works it", async () => {
  const { privateKey } = await generateKeyPair("ES256", { extractable: true });
  const { d: _private, ...publicKey } = await exportJWK(privateKey);
  const keys = JSON.stringify({ keys: [{ ...publicKey, kid: "k", alg: "ES256", use: "sig" }] });
  const jwks = `data:text/plain;charset=utf-8;base64,${Buffer.from(keys).toString("base64")}`;
  await convex("env", "set", "SLIPWAY_JWKS", jwks);
  await convex(
    "env",
    "set",
    "SLIPWAY_SIGNING_KEY",
    JSON.stringify({ ...(await exportJWK(privateKey)), kid: "k" }),
  );
  await convex("deploy", "--yes", "--typecheck", "disable", "--codegen", "disable");

  const issued = (await run("admin:issueToken", { role: "admin", subject: "ada" })) as { token: string };
  const headers = { authorization: `Bearer ${issued.token}`, "content-type": "application/json" };
  const create = JSON.stringify({ path: "projects:createProject", args: [{ name: "shop" }], format: "json" });
  const created = await fetch(`${running.url}/api/mutation`, { method: "POST", headers, body: create });
  expect(await created.json()).toMatchObject({ status: "success", value: { slug: "shop" } });

  const move = { project: "shop", to: "planning", reason: "by hand" };
  expect(await run("admin:transition", move)).toMatchObject({
    from: "created",
    to: "planning",
    changed: true,
  });
  expect(await run("admin:reconcile", {})).toEqual({ projects: 1, more: false });
  expect(await run("admin:pauseAll", { reason: "maintenance" })).toEqual({ paused: 0, more: false });
  expect(await run("admin:retry", { project: "shop" })).toEqual({ environments: [] });
  const shown = await fetch(`${running.siteUrl}/v1/projects/shop`, { headers });
  expect(await shown.json()).toMatchObject({ status: "planning", statusReason: "by hand" });
}, 300_000);
