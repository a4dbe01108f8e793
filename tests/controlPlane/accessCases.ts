import { certificateSecret } from "../../core/sealing.ts";
import type { TestClaims } from "./driver.ts";

/**
 * For every public function: arguments that an admin (or worker) would succeed with, and who may call it at all.
 * `ref` names the project that it is about, where it is about one.
 */

export type AccessWorld = {
  /** The lease of the host where all projects live. */
  lease: { hostId: string; epoch: number };
  sealedFor: (namespace: string, name: string) => string;
  theirs: { projectId: string; slug: string; namespace: string };
  /** Of theirs, tested already. */
  release: { releaseId: string; snapshot: string };
};

export type AccessCase = {
  args: (world: AccessWorld, ref: string) => Record<string, unknown>;
  /** Whether the arguments name a project, so that another project's agent must not tell it from none. */
  aboutProject: boolean;
  viewer: "allowed" | "forbidden";
  /** An agent with every verb, called for its own project, or for what is no project's. */
  agent: "allowed" | "forbidden";
  /** What callers are answered whose token is none, where it is not that they need one. */
  withoutToken?: "answered" | "not_found";
};

/** Of the project that the cases are about, with a certificate that was set (tests/controlPlane/matrix.ts). */
export const MARKER_DOMAIN = "marker.example.com";

const paginationOpts = { numItems: 100, cursor: null };
const everyone = { viewer: "allowed", agent: "allowed" } as const;
const adminsOnly = { viewer: "forbidden", agent: "forbidden" } as const;
const workersOnly = adminsOnly;

const read = (args: AccessCase["args"]): AccessCase => ({ args, aboutProject: true, ...everyone });
const change = (args: AccessCase["args"]): AccessCase => ({ args, aboutProject: true, ...adminsOnly });
const deployers = (args: AccessCase["args"]): AccessCase => ({
  ...{ args, aboutProject: true, viewer: "forbidden", agent: "allowed" },
});
const work = (args: AccessCase["args"]): AccessCase => ({ args, aboutProject: true, ...workersOnly });

export const ACCESS_CASES: Record<string, AccessCase> = {
  "projects:createProject": { args: () => ({ name: "brand new" }), aboutProject: false, ...adminsOnly },
  "projects:updateProjectStatus": {
    args: (_, project) => ({ project, to: "development" }),
    aboutProject: true,
    viewer: "forbidden",
    agent: "allowed",
  },
  "projects:updateManifest": change((_, project) => ({
    project,
    manifest: { stack: "node", egress: "none" },
  })),
  "projects:getProject": read((_, project) => ({ project })),
  "projects:listProjects": { args: () => ({ paginationOpts }), aboutProject: false, ...everyone },
  "projects:statusCounts": { args: () => ({}), aboutProject: false, ...everyone },
  "projects:deleteProject": change((_, project) => ({ project })),
  "projects:retryProject": change((_, project) => ({ project })),
  "events:listEvents": read((_, project) => ({ project, paginationOpts })),
  "agents:listAgents": read((_, project) => ({ project })),
  "agents:report": {
    args: (_, project) => ({ project, message: "hello" }),
    aboutProject: true,
    viewer: "forbidden",
    agent: "allowed",
  },
  "releases:list": read((_, project) => ({ project, paginationOpts })),
  "releases:get": read((_, project) => ({ project, number: 1 })),
  "releases:deploy": deployers((_, project) => ({ project })),
  "releases:rollback": deployers((_, project) => ({ project })),
  "releases:promote": deployers((_, project) => ({ project })),
  "releases:abort": deployers((_, project) => ({ project })),
  "releases:scale": deployers((_, project) => ({ project, service: "app", replicas: 2 })),
  "releases:listDeploys": read((_, project) => ({ project, paginationOpts })),
  "releases:getDeploy": read((_, project) => ({ project })),
  "logs:tail": read((_, project) => ({ project, environment: "dev" })),
  "search:code": read((_, project) => ({ project, query: "marker" })),
  "search:byMeaning": read((_, project) => ({ project, query: "marker" })),
  "secrets:sealingKey": { args: () => ({}), aboutProject: false, ...adminsOnly },
  "secrets:setSecret": change(({ sealedFor, theirs }, project) => ({
    project,
    name: "API_KEY",
    sealed: sealedFor(theirs.namespace, "API_KEY"),
  })),
  "secrets:removeSecret": change((_, project) => ({ project, name: "MARKER_SECRET" })),
  "secrets:listSecrets": read((_, project) => ({ project })),
  "certificates:domainOwner": { args: () => ({ domain: MARKER_DOMAIN }), aboutProject: false, ...adminsOnly },
  "certificates:setCertificate": {
    args: ({ sealedFor, theirs }) => ({
      domain: MARKER_DOMAIN,
      chain: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
      sealed: sealedFor(theirs.namespace, certificateSecret(MARKER_DOMAIN)),
    }),
    aboutProject: false,
    ...adminsOnly,
  },
  "certificates:removeCertificate": {
    args: () => ({ domain: MARKER_DOMAIN }),
    aboutProject: false,
    ...adminsOnly,
  },
  "certificates:listCertificates": read((_, project) => ({ project })),
  "tokens:registerToken": change((_, project) => ({
    tokenId: "token-of-nobody",
    role: "agent",
    subject: "x",
    project,
    expiresAt: 9_999_999_999_999,
  })),
  "tokens:listTokens": change((_, project) => ({ project, paginationOpts })),
  "tokens:revokeToken": { args: () => ({ tokenId: "token-of-marker" }), aboutProject: false, ...adminsOnly },
  "tokens:whoAmI": { args: () => ({}), aboutProject: false, ...everyone, withoutToken: "answered" },
  "tokens:createToken": change((_, project) => ({ role: "viewer", project, ttlMs: 3_600_000 })),
  "signIn:offer": {
    args: () => ({ codeHash: "0".repeat(64), sealed: "0".repeat(200), expiresAt: Date.now() + 300_000 }),
    aboutProject: false,
    ...adminsOnly,
  },
  "signIn:take": {
    args: () => ({ codeHash: "0".repeat(64) }),
    aboutProject: false,
    ...everyone,
    withoutToken: "not_found",
  },
  "metrics:watch": read((_, project) => ({ project })),
  "metrics:history": read((_, project) => ({ project, environment: "dev", range: "1h" })),
  "sources:uploadUrl": change((_, project) => ({ project })),
  "sources:attach": change((_, project) => ({
    project,
    storageId: "kg20000000000000000000000000000f",
    sha256: "0".repeat(64),
    bytes: 1,
    files: 1,
  })),
  "workspace:door": read((_, project) => ({ project })),
  "workspace:authorize": read((_, project) => ({ project, environment: "dev", verb: "files.read" })),
  "groups:createGroup": { args: () => ({ name: "new-group" }), aboutProject: false, ...adminsOnly },
  "groups:listGroups": { args: () => ({ paginationOpts }), aboutProject: false, ...everyone },
  "groups:deleteGroup": { args: () => ({ group: "marker-group" }), aboutProject: false, ...adminsOnly },
  "groups:setGroup": change((_, project) => ({ project, group: null })),
  "hosts:listHosts": { args: () => ({}), aboutProject: false, ...everyone },
  "hosts:lease": { args: ({ lease: { hostId } }) => ({ hostId }), aboutProject: false, ...everyone },
  "hosts:usage": { args: ({ lease: { hostId } }) => ({ hostId }), aboutProject: false, ...everyone },
  "worker:register": {
    args: () => ({
      name: "intruder",
      instanceId: "x",
      version: "x",
      engineVersion: "x",
      cpus: 1,
      memoryBytes: 1,
    }),
    aboutProject: false,
    ...workersOnly,
  },
  "worker:heartbeat": { args: ({ lease }) => ({ ...lease }), aboutProject: false, ...workersOnly },
  "worker:unregister": { args: ({ lease }) => ({ ...lease }), aboutProject: false, ...workersOnly },
  "worker:inbox": { args: ({ lease: { hostId } }) => ({ hostId }), aboutProject: false, ...workersOnly },
  "worker:project": work(({ lease: { hostId } }, projectId) => ({ hostId, projectId })),
  "worker:source": work(({ lease: { hostId } }, projectId) => ({ hostId, projectId })),
  "worker:projects": {
    args: ({ lease: { hostId } }) => ({ hostId, paginationOpts }),
    aboutProject: false,
    ...workersOnly,
  },
  "worker:groups": {
    args: ({ lease: { hostId } }) => ({ hostId, paginationOpts }),
    aboutProject: false,
    ...workersOnly,
  },
  "worker:subnetPools": {
    args: ({ lease: { hostId } }) => ({ hostId }),
    aboutProject: false,
    ...workersOnly,
  },
  "worker:report": work(({ lease }, projectId) => ({ ...lease, projectId, environments: [] })),
  "worker:reportCertificates": work(({ lease }, projectId) => ({
    ...{ ...lease, projectId },
    certificates: [
      {
        domain: MARKER_DOMAIN,
        given: { state: "ended", message: "It ended." },
        acme: { state: "none", message: "" },
      },
    ],
  })),
  "worker:reportSnapshot": work(({ lease, release }, projectId) => ({
    ...{ ...lease, projectId, ...release },
    files: 1,
    bytes: 6,
  })),
  "worker:reportTest": work(({ lease, release: { releaseId } }, projectId) => ({
    ...{ ...lease, projectId, releaseId },
    result: { exitCode: 0, timedOut: false, durationMs: 1, output: "", services: [] },
  })),
  "worker:reportDeploy": work(({ lease, release: { releaseId } }, projectId) => ({
    ...lease,
    projectId,
    releaseId,
    rollout: "r-1",
    state: "live",
    cause: null,
    receipt: null,
    startedAt: 1,
    switchedAt: null,
  })),
  "worker:confirmDeleted": work(({ lease }, projectId) => ({ ...lease, projectId })),
  "worker:reallocateSubnet": work(({ lease }, projectId) => ({
    ...lease,
    projectId,
    kind: "dev",
    which: "internal",
    subnet: "10.128.0.0/26",
    reason: "x",
  })),
  "worker:reallocatePort": work(({ lease }, projectId) => ({
    ...lease,
    projectId,
    kind: "dev",
    service: "app",
    port: 30_000,
    reason: "x",
  })),
  "worker:appendLogs": work(({ lease }, projectId) => ({ ...lease, projectId, kind: "dev", lines: [] })),
  "worker:codeFiles": work(({ lease: { hostId } }, projectId) => ({ hostId, projectId, paginationOpts })),
  "worker:indexCode": work(({ lease }, projectId) => ({
    ...lease,
    projectId,
    path: "x",
    hash: "x",
    chunks: [],
  })),
  "worker:watched": { args: ({ lease: { hostId } }) => ({ hostId }), aboutProject: false, ...workersOnly },
  "worker:appendMetrics": work(({ lease }, projectId) => ({
    ...lease,
    resolution: "minute",
    environments: [{ projectId, kind: "dev", series: [] }],
  })),
  "worker:reportHost": {
    args: ({ lease }) => ({ ...lease, errors: [{ at: 1, message: "x" }] }),
    aboutProject: false,
    ...workersOnly,
  },
  "worker:forgetCode": work(({ lease }, projectId) => ({ ...lease, projectId, paths: ["marker.ts"] })),
};

/** A request for every operation of the agents' door, about the project `ref`. */
export const DOOR_CASES: Record<
  string,
  { path: (ref: string) => string; init?: RequestInit; viewer: 200 | 403 }
> = {
  listProjects: { path: () => "/v1/projects", viewer: 200 },
  getProject: { path: (ref) => `/v1/projects/${ref}`, viewer: 200 },
  transition: {
    path: (ref) => `/v1/projects/${ref}/transitions`,
    init: { method: "POST", body: JSON.stringify({ to: "planning" }) },
    viewer: 403,
  },
  report: {
    path: (ref) => `/v1/projects/${ref}/reports`,
    init: { method: "POST", body: JSON.stringify({ message: "hello" }) },
    viewer: 403,
  },
  listEvents: { path: (ref) => `/v1/projects/${ref}/events`, viewer: 200 },
  readLogs: { path: (ref) => `/v1/projects/${ref}/logs/dev`, viewer: 200 },
  listReleases: { path: (ref) => `/v1/projects/${ref}/releases`, viewer: 200 },
  listDeploys: { path: (ref) => `/v1/projects/${ref}/deploys`, viewer: 200 },
  deploy: {
    path: (ref) => `/v1/projects/${ref}/deploys`,
    init: { method: "POST", body: "{}" },
    viewer: 403,
  },
  rollback: {
    path: (ref) => `/v1/projects/${ref}/rollbacks`,
    init: { method: "POST", body: "{}" },
    viewer: 403,
  },
  getRelease: { path: (ref) => `/v1/projects/${ref}/releases/1`, viewer: 200 },
};

export const REVOKED_ID = "token-that-was-revoked";

/** `claims` in a token whose id was revoked. */
export function revoked(claims: TestClaims): TestClaims {
  return { ...claims, tokenId: REVOKED_ID };
}
