import * as z from "zod";
import { ENVIRONMENT_KINDS, STATUSES } from "../../core/lifecycle.ts";
import { PHASES } from "../../core/projectSpec.ts";
import { RELEASE_STATES } from "../../core/releases.ts";
import { DEPLOY_KINDS, DEPLOY_STATES } from "../../core/deploys.ts";
import { EVENT_TYPES } from "../../core/eventTypes.ts";

/**
 * The agents' door: each operation once, with the schemas of what goes in and out. Requests are checked with them, and
 * the OpenAPI document is written from them.
 */

const PROJECT = z.string().min(1).max(100).meta({ description: "A slug, a namespace or an id." });
const CURSOR = z.string().max(4000).optional().meta({ description: "Where the page before ended." });
const LIMIT = z.coerce
  .number()
  .int()
  .min(1)
  .max(100)
  .optional()
  .meta({ description: "Items of a page, 1 to 100." });
const REASON = z.string().max(1000).optional().meta({ description: "Why, for the audit log." });
const TIME = z.number().meta({ description: "Milliseconds since 1970." });

const vEnvironmentSummary = z.object({
  kind: z.enum(ENVIRONMENT_KINDS),
  desired: z.string(),
  phase: z.enum(PHASES),
});

const vSummary = z
  .object({
    projectId: z.string(),
    slug: z.string(),
    name: z.string(),
    namespace: z.string(),
    status: z.enum(STATUSES),
    allowedNext: z.array(z.enum(STATUSES)),
    statusChangedAt: TIME,
    statusReason: z.string().nullable(),
    stack: z.string().nullable(),
    host: z.string().nullable(),
    environments: z.array(vEnvironmentSummary),
    trouble: z.string().nullable().meta({ description: "Why the first failed environment failed." }),
    release: z.number().nullable().meta({ description: "The newest release's number." }),
    createdAt: TIME,
  })
  .meta({ id: "ProjectSummary" });

const vProject = z
  .looseObject({
    projectId: z.string(),
    slug: z.string(),
    name: z.string(),
    namespace: z.string(),
    status: z.enum(STATUSES),
    allowedNext: z.array(z.enum(STATUSES)),
    statusReason: z.string().nullable(),
    environments: z.array(
      z.looseObject({
        ...vEnvironmentSummary.shape,
        generation: z.number(),
        observedGeneration: z.number(),
        endpoints: z.array(z.string()),
        message: z.string(),
      }),
    ),
  })
  .meta({ id: "Project" });

const vMove = z
  .object({
    from: z.enum(STATUSES),
    to: z.enum(STATUSES),
    changed: z.boolean(),
    generation: z.number(),
  })
  .meta({ id: "Move" });

const vEvent = z
  .looseObject({
    eventId: z.string(),
    at: TIME,
    type: z.enum(EVENT_TYPES),
    actor: z.looseObject({ role: z.string(), subject: z.string() }),
    message: z.string(),
  })
  .meta({ id: "Event" });

const vLine = z
  .object({
    service: z.string(),
    replica: z.number(),
    stream: z.enum(["stdout", "stderr"]),
    at: TIME,
    text: z.string(),
  })
  .meta({ id: "LogLine" });

const vRelease = z
  .object({
    releaseId: z.string(),
    number: z.number(),
    state: z.enum(RELEASE_STATES),
    snapshot: z.string().nullable().meta({ description: "SHA-256 of its content; null until it was taken." }),
    files: z.number().nullable(),
    bytes: z.number().nullable(),
    message: z.string(),
    createdAt: TIME,
    testedAt: TIME.nullable(),
    result: z
      .object({
        exitCode: z.number(),
        timedOut: z.boolean(),
        durationMs: z.number(),
        services: z.array(
          z.object({
            service: z.string(),
            replica: z.number(),
            exitCode: z.number(),
            durationMs: z.number(),
          }),
        ),
      })
      .nullable(),
  })
  .meta({ id: "Release" });

const vReleaseDetails = z
  .object({
    ...vRelease.shape,
    manifest: z.looseObject({}),
    output: z.string().meta({ description: "The end of what its tests wrote." }),
  })
  .meta({ id: "ReleaseDetails" });

const RELEASE = z.number().int().min(1).max(1_000_000_000).meta({ description: "A release's number." });

const vReceiptPhase = z.object({
  accepted: z.number(),
  served: z.number(),
  failed: z.number(),
  aborted: z.number(),
  p50Ms: z.number().nullable(),
  p99Ms: z.number().nullable(),
});

const vDeploy = z
  .object({
    number: z.number(),
    kind: z.enum(DEPLOY_KINDS),
    state: z.enum(DEPLOY_STATES),
    release: z.number(),
    percent: z.number().nullable(),
    by: z.string(),
    startedAt: TIME,
    switchedAt: TIME.nullable(),
    endedAt: TIME.nullable(),
    cause: z.string().nullable(),
    receipt: z
      .object({
        before: vReceiptPhase,
        during: vReceiptPhase,
        after: vReceiptPhase,
        unfinished: z.object({ cut: z.number(), streams: z.number(), waiting: z.number() }).optional(),
      })
      .nullable()
      .meta({ description: "How requests fared, as the gateway counted them." }),
  })
  .meta({ id: "Deploy" });

const vDeployAnswer = z
  .object({ deploy: z.number(), release: z.number(), changed: z.boolean() })
  .meta({ id: "DeployAnswer" });

function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().meta({ description: "The cursor of the next page; null after the last." }),
  });
}

export type Operation = {
  id: string;
  method: "GET" | "POST";
  /** Below `/v1`; `{name}` stands for one segment. */
  path: string;
  summary: string;
  params: z.ZodObject;
  query?: z.ZodObject;
  body?: z.ZodObject;
  response: z.ZodType;
};

export const OPERATIONS = {
  listProjects: {
    id: "listProjects",
    method: "GET",
    path: "/projects",
    summary: "The projects that the token may see: an agent's own.",
    params: z.strictObject({}),
    query: z.strictObject({ status: z.enum(STATUSES).optional(), cursor: CURSOR, limit: LIMIT }),
    response: pageOf(vSummary),
  },
  getProject: {
    id: "getProject",
    method: "GET",
    path: "/projects/{project}",
    summary: "One project with what is desired and what was seen.",
    params: z.strictObject({ project: PROJECT }),
    response: vProject,
  },
  transition: {
    id: "transition",
    method: "POST",
    path: "/projects/{project}/transitions",
    summary: "Moves the project to another status. The same requestId again changes nothing again.",
    params: z.strictObject({ project: PROJECT }),
    body: z.strictObject({
      to: z.enum(STATUSES),
      expectedFrom: z.enum(STATUSES).optional(),
      reason: REASON,
      requestId: z.string().min(1).max(128).optional(),
    }),
    response: vMove,
  },
  report: {
    id: "report",
    method: "POST",
    path: "/projects/{project}/reports",
    summary: "Writes into the project's events: a result, a question, a decision.",
    params: z.strictObject({ project: PROJECT }),
    body: z.strictObject({ message: z.string().min(1).max(4000) }),
    response: z.object({ reported: z.literal(true) }),
  },
  listEvents: {
    id: "listEvents",
    method: "GET",
    path: "/projects/{project}/events",
    summary: "What happened to the project, newest first.",
    params: z.strictObject({ project: PROJECT }),
    query: z.strictObject({ cursor: CURSOR, limit: LIMIT }),
    response: pageOf(vEvent),
  },
  listReleases: {
    id: "listReleases",
    method: "GET",
    path: "/projects/{project}/releases",
    summary:
      "The project's releases, newest first: each a snapshot of its files with the result of its tests.",
    params: z.strictObject({ project: PROJECT }),
    query: z.strictObject({ cursor: CURSOR, limit: LIMIT }),
    response: pageOf(vRelease),
  },
  getRelease: {
    id: "getRelease",
    method: "GET",
    path: "/projects/{project}/releases/{number}",
    summary: "One release with its manifest and what its tests wrote.",
    params: z.strictObject({
      project: PROJECT,
      number: z.coerce.number().int().min(1).max(1_000_000_000),
    }),
    response: vReleaseDetails,
  },
  listDeploys: {
    id: "listDeploys",
    method: "GET",
    path: "/projects/{project}/deploys",
    summary: "The project's deploys, newest first, each with what it cost its users.",
    params: z.strictObject({ project: PROJECT }),
    query: z.strictObject({ cursor: CURSOR, limit: LIMIT }),
    response: pageOf(vDeploy),
  },
  deploy: {
    id: "deploy",
    method: "POST",
    path: "/projects/{project}/deploys",
    summary:
      "Brings a release to where the project serves its users, or to some percent of its requests. The same again changes nothing.",
    params: z.strictObject({ project: PROJECT }),
    body: z.strictObject({
      release: RELEASE.optional(),
      canary: z.number().int().min(1).max(99).optional(),
    }),
    response: vDeployAnswer,
  },
  rollback: {
    id: "rollback",
    method: "POST",
    path: "/projects/{project}/rollbacks",
    summary: "Goes back to an earlier release, by default the one that was live before.",
    params: z.strictObject({ project: PROJECT }),
    body: z.strictObject({ release: RELEASE.optional() }),
    response: vDeployAnswer,
  },
  readLogs: {
    id: "readLogs",
    method: "GET",
    path: "/projects/{project}/logs/{environment}",
    summary: "The last lines that the environment's services said, oldest first.",
    params: z.strictObject({ project: PROJECT, environment: z.enum(ENVIRONMENT_KINDS) }),
    query: z.strictObject({
      service: z.string().max(64).optional(),
      limit: z.coerce.number().int().min(1).max(1000).optional(),
    }),
    response: z.object({ lines: z.array(vLine) }),
  },
} as const satisfies Record<string, Operation>;

/** The operation that `method` and `path` (below `/v1`) name, with the path's values still as text. */
export function findOperation(
  method: string,
  path: string,
): { operation: Operation; params: Record<string, string> } | { allowedMethods: string[] } {
  const segments = path.split("/");
  const allowedMethods: string[] = [];
  for (const operation of Object.values<Operation>(OPERATIONS)) {
    const params = matchPath(operation.path.split("/"), segments);
    if (!params) continue;
    if (operation.method === method) return { operation, params };
    allowedMethods.push(operation.method);
  }
  return { allowedMethods };
}

function matchPath(pattern: string[], segments: string[]): Record<string, string> | null {
  if (pattern.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index]!;
    if (part.startsWith("{")) params[part.slice(1, -1)] = decodeSegment(segment);
    else if (part !== segment) return null;
  }
  return params;
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
