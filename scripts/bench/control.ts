/**
 * `npm run bench:control [-- --sizes 10,10000 --moves 300 --json]`: what the control plane costs on the embedded backend
 * with few projects and with many.
 *
 * At each size: how many documents one evaluation of the worker's inbox reads, how often it runs again while unrelated
 * projects change, how many transitions a second go through one after the other and eight at a time, and whether the
 * widest queries and mutations stay within Convex's limits of a transaction, which the backend enforces.
 * The seeded projects are in development, settled, with a host, subnets and a port each. Fails where the inbox costs
 * more with many projects than with few.
 */
import { parseArgs } from "node:util";
import { ConvexClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { api } from "../../convex/_generated/api.js";
import type { Id } from "../../convex/_generated/dataModel.d.ts";
import { ADMIN, VIEWER, WORKER } from "../../tests/controlPlane/driver.ts";
import { embeddedFactory, operatorOf, type EmbeddedDriver } from "../../tests/controlPlane/embeddedDriver.ts";
import { registerHost } from "../../tests/controlPlane/world.ts";
import { table } from "../cli/lib/output.ts";
import { createProgress } from "../progress/progress.mjs";
import { median } from "./quantiles.ts";

const { values: options } = parseArgs({
  options: {
    sizes: { type: "string", default: "10,10000" },
    moves: { type: "string", default: "300" },
    json: { type: "boolean", default: false },
  },
});
const sizes = options.sizes.split(",").map(Number);
const moves = Number(options.moves);

/** Beside the app's own functions: bulk seeding through its own logic, and the inbox with what it read. */
const BENCH_MODULE = `
import { v } from "convex/values";
import { internalMutation, internalQuery } from "./_generated/server";
import { OPERATOR, actorOf } from "./model/access.ts";
import { environmentsOf } from "./model/environments.ts";
import { readInbox } from "./model/inbox.ts";
import { createProject } from "./model/projects.ts";
import { takeReport } from "./model/report.ts";
import { requestMove } from "./model/transition.ts";

const manifest = { services: { web: { stack: "node", route: "/", publish: true } } };

export const seed = internalMutation({
  args: { from: v.number(), count: v.number() },
  returns: v.null(),
  handler: async (ctx, { from, count }) => {
    const actor = actorOf(OPERATOR);
    for (let index = from; index < from + count; index++) {
      const { projectId } = await createProject(ctx, actor, { name: "idle " + index, manifest });
      for (const to of ["planning", "development"]) {
        await requestMove(ctx, OPERATOR, (await ctx.db.get("projects", projectId))!, { to });
      }
      const project = (await ctx.db.get("projects", projectId))!;
      for (const { kind, generation, desired } of await environmentsOf(ctx, projectId)) {
        const seen = { kind, observedGeneration: generation, phase: desired, message: "" } as const;
        const lists = { conditions: [], services: [], endpoints: [] };
        await takeReport(ctx, actor, project, { ...seen, ...lists });
      }
    }
    return null;
  },
});

export const inbox = internalQuery({
  args: { hostId: v.id("hosts") },
  returns: v.object({ rows: v.number(), documentsRead: v.number(), databaseQueries: v.number() }),
  handler: async (ctx, { hostId }) => {
    const host = (await ctx.db.get("hosts", hostId))!;
    const rows = (await readInbox(ctx, host)).length;
    const { documentsRead, databaseQueries } = await ctx.meta.getTransactionMetrics();
    return { rows, documentsRead: documentsRead.used, databaseQueries: databaseQueries.used };
  },
});
`;

const seed = makeFunctionReference<"mutation", { from: number; count: number }, null>("bench:seed");
const measureInbox = makeFunctionReference<
  "query",
  { hostId: string },
  { rows: number; documentsRead: number; databaseQueries: number }
>("bench:inbox");

type Measured = {
  projects: number;
  inboxDocuments: number;
  inboxQueries: number;
  inboxReruns: number;
  serialPerSecond: number;
  parallelPerSecond: number;
  medianMoveMs: number;
  widestMs: Record<string, number>;
};

const progress = createProgress();
const factory = await embeddedFactory({ "bench.ts": BENCH_MODULE });
const results: Measured[] = [];
try {
  for (const projects of sizes) results.push(await measure(projects));
} finally {
  await factory.close();
  progress.close();
}
print(results);
const [few, ...more] = results;
const same = more.every(
  (each) =>
    each.inboxDocuments === few!.inboxDocuments &&
    each.inboxQueries === few!.inboxQueries &&
    each.inboxReruns === few!.inboxReruns,
);
if (!same) {
  console.error("The worker's inbox costs more with more projects.");
  process.exitCode = 1;
}

async function measure(projects: number): Promise<Measured> {
  const driver = await factory.openOwn();
  try {
    const { hostId, epoch } = await registerHost(driver, { cpus: 100_000, memoryBytes: 1024 ** 5 });
    const beat = () => driver.as(WORKER).mutation(api.worker.heartbeat, { hostId, epoch });
    const heart = setInterval(() => void beat(), 5000);
    try {
      await seedProjects(driver, projects);
      await beat();
      // Two environments need work: an inbox as it is on a usual day.
      await work(driver, "busy");
      const inbox = await operatorOf(driver.running).query(measureInbox, { hostId });
      const inboxReruns = await countReruns(driver, hostId, Math.min(projects, 5));
      return {
        projects,
        inboxDocuments: inbox.documentsRead,
        inboxQueries: inbox.databaseQueries,
        inboxReruns,
        ...(await measureMoves(driver)),
        widestMs: await measureWidest(driver, hostId),
      };
    } finally {
      clearInterval(heart);
    }
  } finally {
    await driver.close();
  }
}

async function seedProjects(driver: EmbeddedDriver, projects: number): Promise<void> {
  const operator = operatorOf(driver.running);
  const step = progress.step(`Seeding ${projects} projects`);
  // The range of ports must have room for all of them.
  await setVariable(driver, "SLIPWAY_PORT_RANGE", "20000-60000");
  for (let from = 0; from < projects; from += 10) {
    await operator.mutation(seed, { from, count: Math.min(10, projects - from) });
    if (from % 100 === 0) step.detail(`${from} of ${projects}`);
  }
  step.done();
}

async function setVariable({ running }: EmbeddedDriver, name: string, value: string): Promise<void> {
  const response = await fetch(`${running.url}/api/update_environment_variables`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Convex ${running.adminKey}` },
    body: JSON.stringify({ changes: [{ name, value }] }),
    signal: AbortSignal.timeout(20_000),
  });
  if (!response.ok) throw new Error(`The backend refused ${name}: HTTP ${response.status}.`);
}

/** A project of which dev and test need work. */
async function work(driver: EmbeddedDriver, name: string): Promise<void> {
  const admin = driver.as(ADMIN);
  await admin.mutation(api.projects.createProject, { name });
  for (const to of ["planning", "development", "testing"]) {
    const request = { project: name, to, override: true, reason: "the benchmark" };
    await admin.mutation(api.projects.updateProjectStatus, request);
  }
}

/** How often a subscribed inbox runs while `count` other projects get reports, events and new projects beside them. */
async function countReruns(
  driver: EmbeddedDriver,
  hostId: Id<"hosts"> | string,
  count: number,
): Promise<number> {
  const client = new ConvexClient(driver.running.url, { logger: false, skipConvexDeploymentUrlCheck: true });
  try {
    // Always the same token: a fresh one is another identity, for which the query runs once more.
    const token = await driver.mint(WORKER);
    client.setAuth(() => Promise.resolve(token));
    await new Promise<void>((resolve, reject) => {
      client.onUpdate(api.worker.inbox, { hostId }, () => resolve(), reject);
    });
    const runs = () =>
      driver.running.backend.functionLog.after(0).entries.filter((each) => each.path === "worker.js:inbox")
        .length;
    const before = runs();
    const admin = driver.as(ADMIN);
    for (let index = 0; index < count; index++) {
      await admin.mutation(api.agents.report, { project: `idle-${index}`, message: "unrelated" });
      await admin.mutation(api.projects.createProject, { name: `unrelated ${index}` });
      await admin.mutation(api.projects.updateProjectStatus, {
        project: `unrelated-${index}`,
        to: "planning",
      });
    }
    // Every commit before this answer has been seen by the subscription's server.
    await admin.query(api.projects.getProject, { project: "busy" });
    return runs() - before;
  } finally {
    await client.close();
  }
}

async function measureMoves(driver: EmbeddedDriver) {
  const step = progress.step(`${moves} transitions one by one, then eight at a time`);
  const admin = driver.as(ADMIN);
  const move = async (project: string, to: string) => {
    const started = performance.now();
    await admin.mutation(api.projects.updateProjectStatus, { project, to });
    return performance.now() - started;
  };
  await Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      await admin.mutation(api.projects.createProject, { name: `lane ${lane}` });
      await move(`lane-${lane}`, "planning");
      await move(`lane-${lane}`, "development");
    }),
  );
  const there = (index: number) => (index % 2 === 0 ? "paused" : "development");
  const times: number[] = [];
  const serialStart = performance.now();
  for (let index = 0; index < moves; index++) times.push(await move("lane-0", there(index)));
  const serialPerSecond = (moves * 1000) / (performance.now() - serialStart);
  const each = Math.floor(moves / 8 / 2) * 2;
  const parallelStart = performance.now();
  await Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let index = 0; index < each; index++)
        await move(`lane-${lane}`, there(index + (moves % 2) * +(lane === 0)));
    }),
  );
  const parallelPerSecond = (each * 8 * 1000) / (performance.now() - parallelStart);
  step.done();
  return { serialPerSecond, parallelPerSecond, medianMoveMs: median(times) };
}

/** The queries and mutations that read most, in milliseconds; one past Convex's limits throws. */
async function measureWidest(driver: EmbeddedDriver, hostId: string): Promise<Record<string, number>> {
  const viewer = driver.as(VIEWER);
  const admin = driver.as(ADMIN);
  const worker = driver.as(WORKER);
  const paginationOpts = { numItems: 100, cursor: null };
  const calls: Record<string, () => Promise<unknown>> = {
    "projects:listProjects": () => viewer.query(api.projects.listProjects, { paginationOpts }),
    "projects:getProject": () => viewer.query(api.projects.getProject, { project: "busy" }),
    "events:listEvents": () => viewer.query(api.events.listEvents, { paginationOpts }),
    "worker:projects": () => worker.query(api.worker.projects, { hostId, paginationOpts }),
    "worker:groups": () => worker.query(api.worker.groups, { hostId, paginationOpts }),
    "projects:createProject": () => admin.mutation(api.projects.createProject, { name: "widest" }),
    "projects:deleteProject": () => admin.mutation(api.projects.deleteProject, { project: "widest" }),
    "admin:reconcile": () =>
      operatorOf(driver.running).mutation(makeFunctionReference<"mutation">("admin:reconcile"), {}),
    "admin:pauseAll": () =>
      operatorOf(driver.running).mutation(makeFunctionReference<"mutation">("admin:pauseAll"), {
        reason: "bench",
      }),
  };
  const times: Record<string, number> = {};
  for (const [name, call] of Object.entries(calls)) {
    const started = performance.now();
    await call();
    times[name] = performance.now() - started;
  }
  return times;
}

function print(all: Measured[]): void {
  if (options.json) {
    console.log(JSON.stringify(all, null, 2));
    return;
  }
  const row = (name: string, of: (each: Measured) => string) => [name, ...all.map(of)];
  const number = (value: number, digits = 0) => value.toFixed(digits);
  console.log(
    table(
      ["", ...all.map(({ projects }) => `${projects} projects`)],
      [
        row("inbox: documents read", (each) => number(each.inboxDocuments)),
        row("inbox: index ranges read", (each) => number(each.inboxQueries)),
        row("inbox: re-runs while others change", (each) => number(each.inboxReruns)),
        row("transitions a second, one by one", (each) => number(each.serialPerSecond)),
        row("transitions a second, eight at a time", (each) => number(each.parallelPerSecond)),
        row("transition, median ms", (each) => number(each.medianMoveMs, 1)),
        ...Object.keys(all[0]!.widestMs).map((name) =>
          row(`${name}, ms`, (each) => number(each.widestMs[name]!, 1)),
        ),
      ],
    ),
  );
}
