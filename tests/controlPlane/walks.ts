import { expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { VERBS } from "../../core/access.ts";
import {
  allowedNext,
  desiredAfter,
  EDGES,
  STATUSES,
  type DesiredState,
  type Status,
} from "../../core/lifecycle.ts";
import { ADMIN, agentOf, VIEWER, WORKER, type Driver, type TestClaims } from "./driver.ts";
import { allEvents, createProject, obey, registerHost, type HostLease } from "./world.ts";

/** Random walks by random actors, and what must be true after each. */

/** A small generator with a seed, so that a walk can be walked again (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const STEPS = 6;

/** One project, moved about by whoever comes. Most of what is tried is refused: that is the point. */
async function walk(driver: Driver, host: HostLease, name: string, random: () => number): Promise<string> {
  const { slug, projectId, namespace } = await createProject(driver, name);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  for (let step = 0; step < STEPS; step++) {
    const claims: TestClaims = pick([
      ADMIN,
      ADMIN,
      ADMIN,
      ADMIN,
      VIEWER,
      WORKER,
      agentOf(projectId, pick(VERBS), pick(VERBS), pick(VERBS)),
      agentOf(namespace, ...VERBS),
      agentOf("project_1700000000000_nobody22", ...VERBS),
    ]);
    const request = {
      project: pick([slug, projectId, namespace]),
      to: pick(STATUSES),
      ...(random() < 0.5 && { override: true, reason: "at random" }),
      ...(random() < 0.2 && { expectedFrom: pick(STATUSES) }),
      ...(random() < 0.2 && { requestId: pick(["r1", "r2"]) }),
    };
    const changed = await driver
      .as(claims)
      .mutation(api.projects.updateProjectStatus, request)
      .then((result) => result.changed)
      .catch(() => false);
    if (!changed) continue;
    await checkState(driver, namespace);
    if (random() < 0.6) await obey(driver, host);
  }
  await checkState(driver, namespace);
  return namespace;
}

/** What must hold of any project at any time. */
async function checkState(driver: Driver, namespace: string): Promise<void> {
  const project = await driver.as(ADMIN).query(api.projects.getProject, { project: namespace });
  if (!project) return;
  const { status, pausedFrom, environments } = project;
  expect(pausedFrom !== null, `${status} and paused from ${pausedFrom}`).toBe(status === "paused");
  expect(project.allowedNext).toEqual(allowedNext(status, pausedFrom ?? undefined));
  for (const { kind, desired, subnet, egressSubnet, generation, observedGeneration } of environments) {
    const reachable = (["running", "hibernated", "absent"] as DesiredState[]).map((was) =>
      desiredAfter(status, kind, was),
    );
    expect(reachable, `${status} ${kind}`).toContain(desired);
    expect(observedGeneration).toBeLessThanOrEqual(generation);
    if (desired !== "absent") {
      expect(project.host).not.toBeNull();
      expect(subnet).not.toBeNull();
      expect(egressSubnet).not.toBe(subnet);
    }
  }
}

/** Every project's status, told from the audit log and nothing else; a project that is gone is not in it. */
export async function statusesFromEvents(driver: Driver): Promise<Map<string, Status>> {
  const statuses = new Map<string, Status>();
  for (const { type, namespace, from, to } of await allEvents(driver)) {
    if (type === "project.created") statuses.set(namespace!, "created");
    if (type === "project.deleted") statuses.delete(namespace!);
    if (type !== "project.transition") continue;
    expect(statuses.get(namespace!), `${namespace} left ${from}`).toBe(from);
    expect(
      EDGES.some((edge) => edge.from === from && edge.to === to),
      `${from} → ${to} is an edge`,
    ).toBe(true);
    statuses.set(namespace!, to as Status);
  }
  return statuses;
}

/**
 * Takes `count` walks, and rebuilds every status from the log alone at the end.
 * @param open makes a new backend for each hundred walks, so that one that gets slow with its size stays quick
 */
export async function takeWalks(open: () => Promise<Driver>, count: number, seed: number): Promise<void> {
  const perBackend = 20;
  for (let done = 0; done < count; done += perBackend) {
    const driver = await open();
    const host = await registerHost(driver, { memoryBytes: 1024 ** 4 });
    const namespaces: string[] = [];
    for (let index = done; index < Math.min(count, done + perBackend); index++) {
      const random = randomFrom(seed + index);
      namespaces.push(await walk(driver, host, `walk ${index}`, random).catch(tellSeed(seed + index)));
    }
    const told = await statusesFromEvents(driver);
    for (const namespace of namespaces) {
      const project = await driver.as(ADMIN).query(api.projects.getProject, { project: namespace });
      expect(told.get(namespace)).toBe(project?.status);
    }
    await driver.close();
  }
}

function tellSeed(seed: number) {
  return (error: unknown): never => {
    throw new Error(`The walk with the seed ${seed} went astray.`, { cause: error });
  };
}
