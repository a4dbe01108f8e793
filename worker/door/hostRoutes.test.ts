import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SlipwayError } from "../../core/errors.ts";
import { realClock } from "../clock.ts";
import type { Checks } from "../doctor/checksKeeper.ts";
import type { Engine } from "../engine/engine.ts";
import type { ExecEngine } from "../engine/execEngine.ts";
import type { Operation } from "../plan/operation.ts";
import { openDoor, type Door } from "./door.ts";
import type { Admitted, Doorkeeper } from "./doorkeeper.ts";
import type { HostDesk } from "./hostRoutes.ts";

/** A real door on loopback, with a doorkeeper who knows two tokens. */

const ADMIN = "admin-token-0123456789";
const READER = "reader-token-0123456789";
const SHOP: Admitted = { projectId: "p1", namespace: "project_1700000000000_abcdefgh", slug: "shop" };
const CHECKS: Checks = { at: 7, findings: [{ title: "routes", state: "ok", detail: "of 1", fix: null }] };
const STEP = {
  ...{
    do: "remove volume",
    target: "v",
    holds: "data",
    id: "remove volume v",
    after: [],
    environment: "dev",
  },
  cause: "dev is to be absent",
} as Operation;

let dataDir: string;
let door: Door;
let desk: HostDesk | null;
let planned: Operation[] | null;

const doorkeeper: Doorkeeper = {
  authorize: async () => Promise.reject(new Error("nobody asks for files here")),
  async admitReader(token, project) {
    if (token !== READER && token !== ADMIN)
      throw new SlipwayError({ code: "unauthenticated", message: "no" });
    if (project !== "shop") throw new SlipwayError({ code: "not_found", message: `no ${project}` });
    return SHOP;
  },
  async admitAdmin(token) {
    if (token !== ADMIN) throw new SlipwayError({ code: "forbidden", message: "no" });
  },
};

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "slipway-door-"));
  planned = [STEP];
  desk = {
    plan: async ({ projectId }) => (projectId === "p1" ? planned : null),
    checkNow: async () => CHECKS,
  };
  door = await openDoor({
    engine: { listContainers: async () => [] } as unknown as Engine,
    exec: {} as ExecEngine,
    doorkeeper,
    desk: () => desk,
    instanceId: "abcd1234",
    dataDir,
    clock: realClock,
    log: () => {},
  });
});
afterEach(async () => {
  await door.close();
  await rm(dataDir, { recursive: true, force: true });
});

async function ask(method: string, path: string, token: string | null = READER, headers = {}) {
  const authorization: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${door.url}${path}`, { method, headers: { ...authorization, ...headers } });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const refusal = (status: number, code: string) => ({
  status,
  body: { error: expect.objectContaining({ code }) },
});

test("a reader is told the plan, as steps and as text", async () => {
  expect(await ask("GET", "/v1/projects/shop/plan")).toEqual({
    status: 200,
    body: {
      operations: [
        {
          id: "remove volume v",
          kind: "remove volume",
          object: "v",
          environment: "dev",
          cause: "dev is to be absent",
          after: [],
        },
      ],
      text: "1. remove volume v: dev is to be absent",
    },
  });
  planned = [];
  expect(await ask("GET", "/v1/projects/shop/plan")).toMatchObject({ body: { operations: [], text: "" } });
});

test("who may not read of a project learns nothing of it", async () => {
  expect(await ask("GET", "/v1/projects/shop/plan", null)).toEqual(refusal(401, "unauthenticated"));
  expect(await ask("GET", "/v1/projects/shop/plan", "another-token-0123")).toEqual(
    refusal(401, "unauthenticated"),
  );
  expect(await ask("GET", "/v1/projects/other/plan")).toEqual(refusal(404, "not_found"));
  expect(await ask("GET", "/v1/projects/%E0%A4%A/plan")).toEqual(refusal(404, "not_found"));
  expect(await ask("POST", "/v1/projects/shop/plan")).toEqual(refusal(404, "not_found"));
});

test("an admin has the checks made; nobody else has", async () => {
  expect(await ask("POST", "/v1/doctor", ADMIN)).toEqual({ status: 200, body: CHECKS });
  expect(await ask("POST", "/v1/doctor", READER)).toEqual(refusal(403, "forbidden"));
  expect(await ask("POST", "/v1/doctor", null)).toEqual(refusal(401, "unauthenticated"));
  expect(await ask("GET", "/v1/doctor", ADMIN)).toEqual(refusal(404, "not_found"));
});

test("pages of another origin are told nothing", async () => {
  const headers = { origin: "http://elsewhere.example" };
  expect(await ask("GET", "/v1/projects/shop/plan", READER, headers)).toEqual(refusal(403, "forbidden"));
  expect(await ask("POST", "/v1/doctor", ADMIN, headers)).toEqual(refusal(403, "forbidden"));
});

test("while the worker starts, and once a project has moved, it says so", async () => {
  desk = null;
  expect(await ask("GET", "/v1/projects/shop/plan")).toEqual(refusal(503, "setup"));
  expect(await ask("POST", "/v1/doctor", ADMIN)).toEqual(refusal(503, "setup"));
  desk = { plan: async () => null, checkNow: async () => CHECKS };
  expect(await ask("GET", "/v1/projects/shop/plan")).toEqual(refusal(404, "not_found"));
});
