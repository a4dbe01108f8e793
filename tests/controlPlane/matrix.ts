import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { VERBS, verbsOf } from "../../core/access.ts";
import type { ErrorCode, ErrorData } from "../../core/errors.ts";
import {
  AGENT_NAMES,
  EDGES,
  PAUSABLE,
  STATUSES,
  type Edge,
  type Pausable,
  type Status,
} from "../../core/lifecycle.ts";
import { ADMIN, agentOf, VIEWER, WORKER, type Driver, type TestClaims } from "./driver.ts";
import type { SuiteTest } from "./suite.ts";
import { createProject, move, obey, registerHost, show, type HostLease } from "./world.ts";

/** Every edge of the lifecycle, and every pair of statuses that is none, for every role. */

/** The ways to each status. Paused is entered from each status that it can be. */
const PATHS: { from: Status; pausedFrom?: Pausable; path: Status[] }[] = [
  { from: "created", path: [] },
  { from: "planning", path: ["planning"] },
  { from: "development", path: ["planning", "development"] },
  { from: "testing", path: ["planning", "development", "testing"] },
  { from: "deployment", path: ["planning", "development", "testing", "deployment"] },
  { from: "failed", path: ["planning", "development", "failed"] },
  { from: "deleting", path: ["planning", "development", "deleting"] },
  ...PAUSABLE.map((pausedFrom, index) => ({
    from: "paused" as const,
    pausedFrom,
    path: [
      ...(["planning", "development", "testing", "deployment"] as const).slice(0, index + 1),
      "paused",
    ] as Status[],
  })),
];

type Who = { name: string; claims(project: string, other: string): TestClaims };

const WHO: Who[] = [
  { name: "an admin", claims: () => ADMIN },
  { name: "a viewer", claims: () => VIEWER },
  { name: "a worker", claims: () => WORKER },
  { name: "an agent that may read", claims: (project) => agentOf(project, "read") },
  { name: "an agent with every verb", claims: (project) => agentOf(project, ...VERBS) },
  { name: "another project's agent", claims: (_, other) => agentOf(other, ...VERBS) },
  ...AGENT_NAMES.map((name) => ({
    name: `the ${name}`,
    claims: (project: string) => agentOf(project, ...verbsOf(name)),
  })),
];

/** What must come of it, told from the design and not from the code under test; null for a move that is made. */
function expected(who: string, edge: Edge | undefined, from: Status, to: Status): ErrorCode | "same" | null {
  if (who === "a viewer" || who === "a worker") return "forbidden";
  if (who === "another project's agent") return "not_found";
  if (from === to) return "same";
  if (!edge) return "illegal_transition";
  if (who === "an admin") return null;
  const agentsMoves = [
    "planning→development",
    "development→testing",
    "testing→deployment",
    "testing→development",
    "deployment→development",
  ];
  const mayMoveTo: Record<string, Status[]> = {
    "an agent with every verb": [...STATUSES],
    "the planner": ["development"],
    "the developer": ["testing", "development"],
    "the tester": ["development"],
    "the deployer": ["deployment", "development"],
  };
  if (!agentsMoves.includes(`${from}→${to}`) || !mayMoveTo[who]?.includes(to)) return "forbidden";
  // No release has passed its tests, and no agent may override that.
  return to === "deployment" ? "guard_failed" : null;
}

/** As vitest's `describe`. */
export type Describe = (name: string, tests: () => void) => void;

export function matrixSuite(it: SuiteTest, describeMatrix: Describe = describe): void {
  describeMatrix("every move for every role", () => {
    for (const { from, pausedFrom, path } of PATHS) {
      it(`from ${from}${pausedFrom ? ` (from ${pausedFrom})` : ""}`, async ({ driver }) => {
        const host = await registerHost(driver);
        const other = await createProject(driver, "other");
        let made = 0;
        let project = await projectAt(driver, host, `p${++made}`, path);
        const before = await show(driver, project);
        expect(before.status).toBe(from);
        for (const who of WHO) {
          for (const to of STATUSES) {
            const outcome = await attempt(driver, who.claims(before.projectId, other.projectId), project, to);
            const edge = EDGES.find(
              (one) =>
                one.from === from &&
                one.to === to &&
                (pausedFrom === undefined || !isWork(to) || to === pausedFrom),
            );
            const wanted = expected(who.name, edge, from, to);
            expect([who.name, to, outcome]).toEqual([who.name, to, wanted]);
            if (wanted !== null) continue;
            project = await projectAt(driver, host, `p${++made}`, path);
            Object.assign(before, await show(driver, project));
          }
        }
        const after = await show(driver, project);
        expect(after).toEqual(before);
      });
    }
  });
}

function isWork(status: Status): boolean {
  return (PAUSABLE as readonly Status[]).includes(status);
}

/** A new project brought to the end of `path`, with everything as its worker should have it, but for a deletion. */
async function projectAt(driver: Driver, host: HostLease, name: string, path: Status[]): Promise<string> {
  const { slug } = await createProject(driver, name);
  for (const status of path) {
    await move(driver, slug, status);
    if (status !== "deleting") await obey(driver, host);
  }
  return slug;
}

/** Null where the move was made, `same` where the project was there already, else the code of the refusal. */
async function attempt(driver: Driver, claims: TestClaims, project: string, to: Status) {
  const admin = claims.role === "admin" ? { override: true, reason: "the test wants it" } : {};
  try {
    const call = driver.as(claims).mutation(api.projects.updateProjectStatus, { project, to, ...admin });
    return (await call).changed ? null : "same";
  } catch (error) {
    return (error as { data: ErrorData }).data.code;
  }
}
