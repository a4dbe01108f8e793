import { makeFunctionReference } from "convex/server";
import { ConvexError } from "convex/values";
import { describe, expect, test } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { OPERATIONS } from "../../convex/door/operations.ts";
import { VERBS } from "../../core/access.ts";
import { chunkText } from "../../core/codeChunks.ts";
import type { ErrorData } from "../../core/errors.ts";
import { certificateSecret, sealSecret } from "../../core/sealing.ts";
import {
  ACCESS_CASES,
  DOOR_CASES,
  MARKER_DOMAIN,
  revoked,
  REVOKED_ID,
  type AccessWorld,
} from "./accessCases.ts";
import {
  ADMIN,
  agentOf,
  VIEWER,
  WORKER,
  type Caller,
  type Driver,
  type PublicAction,
  type PublicMutation,
  type PublicQuery,
  type TestClaims,
} from "./driver.ts";
import { metricPoint, metricSeries } from "./metrics.ts";
import { publicFunctions, type PublicFunction } from "./publicFunctions.ts";
import type { SuiteTest } from "./suite.ts";
import { TEST_SEALING_KEY } from "./secrets.ts";
import { allEvents, createProject, move, registerHost, show, testedRelease } from "./world.ts";

/** Every public function and every HTTP route, called by everybody who may not. */

/** Words that only the other project's data holds: no answer to anybody else may have one. */
const MARKER = /marker|theirs/i;
const NOBODY = { slug: "nosuch", namespace: "project_1700000000000_nosuch22" };

type World = AccessWorld & { mine: { projectId: string } };
type Outcome = { value: unknown } | { refused: ErrorData } | { failed: string };

async function makeWorld(driver: Driver): Promise<World> {
  const { hostId, epoch } = await registerHost(driver);
  const admin = driver.as(ADMIN);
  const mine = await createProject(driver, "mine");
  const theirs = await createProject(driver, "theirs", {
    group: "marker-group",
    domains: [MARKER_DOMAIN],
  });
  for (const slug of ["mine", "theirs"]) await move(driver, slug, "planning", "development");
  const { projectId } = theirs;
  const worker = driver.as(WORKER);
  const release = await testedRelease(driver, { hostId, epoch }, "theirs", { output: "marker" });
  await move(driver, "theirs", "development");
  const file = { path: "marker.ts", hash: "h", chunks: chunkText("const marker = 1;") };
  await worker.mutation(api.worker.indexCode, { hostId, epoch, projectId, ...file });
  const line = { service: "app", replica: 1, stream: "stdout" as const, at: 1, text: "marker" };
  await worker.mutation(api.worker.appendLogs, { hostId, epoch, projectId, kind: "dev", lines: [line] });
  const series = [metricSeries([metricPoint(Date.now())], { service: "marker" })];
  await worker.mutation(api.worker.appendMetrics, {
    ...{ hostId, epoch, resolution: "minute" },
    environments: [{ projectId, kind: "dev", series }],
  });
  await worker.mutation(api.worker.reportHost, {
    ...{ hostId, epoch },
    errors: [{ at: 1, message: "theirs: marker" }],
  });
  const seals = new Map<string, string>();
  for (const name of ["MARKER_SECRET", "API_KEY", certificateSecret(MARKER_DOMAIN)]) {
    seals.set(name, await sealSecret(TEST_SEALING_KEY, { namespace: theirs.namespace, name }, "marker"));
  }
  const sealed = seals.get("MARKER_SECRET")!;
  await admin.mutation(api.secrets.setSecret, { project: projectId, name: "MARKER_SECRET", sealed });
  await admin.mutation(api.certificates.setCertificate, {
    domain: MARKER_DOMAIN,
    chain: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    sealed: seals.get(certificateSecret(MARKER_DOMAIN))!,
  });
  await admin.mutation(api.agents.report, { project: projectId, message: "marker" });
  await admin.mutation(api.tokens.revokeToken, { tokenId: REVOKED_ID });
  return { lease: { hostId, epoch }, sealedFor: (_, name) => seals.get(name)!, theirs, mine, release };
}

/** All that an admin can see, to tell whether anything was changed. */
async function everything(driver: Driver) {
  const admin = driver.as(ADMIN);
  const paginationOpts = { numItems: 100, cursor: null };
  return {
    projects: await Promise.all(["mine", "theirs"].map((slug) => show(driver, slug))),
    list: (await admin.query(api.projects.listProjects, { paginationOpts })).page,
    groups: (await admin.query(api.groups.listGroups, { paginationOpts })).page,
    tokens: (await admin.query(api.tokens.listTokens, { paginationOpts })).page,
    secrets: await admin.query(api.secrets.listSecrets, { project: "theirs" }),
    certificates: await admin.query(api.certificates.listCertificates, { project: "theirs" }),
    code: await admin.query(api.search.code, { project: "theirs", query: "marker" }),
    logs: await admin.query(api.logs.tail, { project: "theirs", environment: "dev" }),
    counts: await admin.query(api.projects.statusCounts, {}),
    // On a busy machine these tests may take longer than a lease lasts: that it ran out is not what was called.
    hosts: (await admin.query(api.hosts.listHosts, {})).map(({ state: _state, ...host }) => host),
    metrics: await admin.query(api.metrics.history, {
      ...{ project: "theirs", environment: "dev", range: "1h" },
    }),
    events: await eventsOfCalls(driver),
  };
}

async function eventsOfCalls(driver: Driver) {
  return (await allEvents(driver)).filter(({ type }) => type !== "host.lost");
}

async function call(caller: Caller, { name, type }: PublicFunction, args: object): Promise<Outcome> {
  try {
    if (type === "query") return { value: await caller.query(reference<PublicQuery>(name), args) };
    if (type === "mutation") return { value: await caller.mutation(reference<PublicMutation>(name), args) };
    return { value: await caller.action(reference<PublicAction>(name), args) };
  } catch (error) {
    if (error instanceof ConvexError) return { refused: error.data as ErrorData };
    return { failed: String(error) };
  }
}

function reference<F extends PublicQuery | PublicMutation | PublicAction>(name: string): F {
  return makeFunctionReference(name) as unknown as F;
}

function codeOf(outcome: Outcome): string {
  return "refused" in outcome ? outcome.refused.code : "failed" in outcome ? "failed" : "answered";
}

export function everyFunctionSuite(it: SuiteTest): void {
  describe("every public function", () => {
    const functions = publicFunctions();

    test("is in the list of cases, and nothing else is", () => {
      expect(functions.map(({ name }) => name).sort()).toEqual(Object.keys(ACCESS_CASES).sort());
    });

    it("refuses callers without a token, with one that was revoked, and with one that has ended", async ({
      driver,
    }) => {
      const world = await makeWorld(driver);
      const before = await everything(driver);
      for (const fn of functions) {
        const { args: argsOf, withoutToken = "unauthenticated" } = ACCESS_CASES[fn.name]!;
        const args = argsOf(world, world.theirs.projectId);
        expect([fn.name, codeOf(await call(driver.as(null), fn, args))]).toEqual([fn.name, withoutToken]);
        for (const claims of [ADMIN, WORKER, VIEWER, agentOf(world.theirs.projectId, ...VERBS)]) {
          const outcome = await call(driver.as(revoked(claims)), fn, args);
          expect([fn.name, claims.role, codeOf(outcome)]).toEqual([fn.name, claims.role, withoutToken]);
          if (!driver.ended) continue;
          const ended = await call(await driver.ended(claims), fn, args);
          expect([fn.name, claims.role, codeOf(ended)]).toEqual([fn.name, claims.role, "failed"]);
        }
      }
      expect(await everything(driver)).toEqual(before);
    });

    it("lets a viewer look at most, and an agent at most do its work", async ({ driver }) => {
      const world = await makeWorld(driver);
      const before = await everything(driver);
      const agent = agentOf(world.mine.projectId, ...VERBS);
      for (const fn of functions) {
        const { viewer, agent: wanted, args } = ACCESS_CASES[fn.name]!;
        const asViewer = codeOf(await call(driver.as(VIEWER), fn, args(world, world.theirs.projectId)));
        expect([fn.name, asViewer === "forbidden"]).toEqual([fn.name, viewer === "forbidden"]);
        if (wanted === "allowed") continue;
        for (const ref of [world.mine.projectId, world.theirs.projectId]) {
          const asAgent = codeOf(await call(driver.as(agent), fn, args(world, ref)));
          expect([fn.name, asAgent]).toEqual([fn.name, "forbidden"]);
        }
      }
      expect(await everything(driver)).toEqual(before);
    });

    it("shows another project's agent nothing, not even whether the project exists", async ({ driver }) => {
      const world = await makeWorld(driver);
      const before = await everything(driver);
      const agent = driver.as(agentOf(world.mine.projectId, ...VERBS));
      const { theirs } = world;
      // An id of the right form that names nothing: that of a project that was there, and is gone.
      const gone = await createProject(driver, "gone");
      await driver.as(ADMIN).mutation(api.projects.deleteProject, { project: "gone" });
      before.events = await eventsOfCalls(driver);
      before.counts = await driver.as(ADMIN).query(api.projects.statusCounts, {});
      const pairs = [
        [theirs.slug, NOBODY.slug],
        [theirs.namespace, NOBODY.namespace],
        [theirs.projectId, gone.projectId],
      ] as const;
      for (const fn of functions) {
        const { args, aboutProject } = ACCESS_CASES[fn.name]!;
        for (const [real, none] of aboutProject ? pairs : [pairs[0]]) {
          const told = await call(agent, fn, args(world, real));
          const toldOfNone = await call(agent, fn, args(world, none));
          const masked = JSON.stringify(told).replaceAll(real, "REF");
          expect([fn.name, masked]).toEqual([fn.name, JSON.stringify(toldOfNone).replaceAll(none, "REF")]);
          expect([fn.name, masked]).toEqual([fn.name, expect.not.stringMatching(MARKER)]);
        }
      }
      expect(await everything(driver)).toEqual(before);
    });
  });

  describe("every route of the agents' door", () => {
    test("is in the list of cases, and nothing else is", () => {
      expect(Object.keys(OPERATIONS).sort()).toEqual(Object.keys(DOOR_CASES).sort());
    });

    it("is closed to those whom the functions are closed to", async ({ driver }) => {
      const world = await makeWorld(driver);
      const before = await everything(driver);
      const { theirs, mine } = world;
      const agent: TestClaims = agentOf(mine.projectId, ...VERBS);
      for (const [id, { path, init, viewer }] of Object.entries(DOOR_CASES)) {
        const ask = async (caller: Caller, ref: string) => {
          const response = await caller.fetch(path(ref), init);
          return { status: response.status, text: (await response.text()).replaceAll(ref, "REF") };
        };
        const closed = [driver.as(null), driver.as(revoked(ADMIN)), driver.as(revoked(agent))];
        if (driver.ended) closed.push(await driver.ended(ADMIN));
        for (const caller of closed) {
          const { status, text } = await ask(caller, theirs.slug);
          expect([id, status]).toEqual([id, 401]);
          expect(text).not.toMatch(MARKER);
        }
        expect([id, (await ask(driver.as(VIEWER), theirs.slug)).status]).toEqual([id, viewer]);
        const told = await ask(driver.as(agent), theirs.slug);
        expect(told).toEqual(await ask(driver.as(agent), NOBODY.slug));
        expect(told.text).not.toMatch(MARKER);
        if (path(theirs.slug) !== path(NOBODY.slug)) expect([id, told.status]).toEqual([id, 404]);
      }
      expect(await everything(driver)).toEqual(before);
    });
  });
}
