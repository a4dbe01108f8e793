import { defineSchema, defineTable } from "convex/server";
import { v } from "convex/values";
import { EMBEDDING_DIMENSIONS } from "../core/embeddings.ts";
import { DEPLOY_KINDS, DEPLOY_STATES } from "../core/deploys.ts";
import { EVENT_TYPES } from "../core/eventTypes.ts";
import {
  hostUsageFields,
  oneOf,
  metricColumns,
  observationFields,
  vActor,
  vAttachment,
  vAgentName,
  vDesired,
  vFinding,
  vHostDrift,
  vHostError,
  vHostState,
  vKind,
  vLogLine,
  vMetricResolution,
  vPausable,
  vReceipt,
  vReleaseState,
  vReservation,
  vRole,
  vSourceState,
  vStatus,
  vTestVerdict,
  vUndone,
  vWhichSubnet,
} from "./model/validators.ts";

export default defineSchema({
  /** Written by transitions. Read by everyone. The manifest is apart: lists need not read it. */
  projects: defineTable({
    slug: v.string(),
    name: v.string(),
    namespace: v.string(),
    status: vStatus,
    statusChangedAt: v.number(),
    statusReason: v.optional(v.string()),
    pausedFrom: v.optional(vPausable),
    stack: v.optional(v.string()),
    hostId: v.optional(v.id("hosts")),
    groupId: v.optional(v.id("groups")),
    /** Rises with every change of what is desired; an environment's generation is its value at its last change. */
    generation: v.number(),
    /** What of its host the project holds now; the host's own sum is in `hostLoads`. */
    reserved: vReservation,
    /** ms since 1970 from which a failed project's volumes may go; absent when there is nothing to reclaim. */
    reclaimAt: v.optional(v.number()),
    /** Whether `projectCounts` and its host's load have it; absent in rows from before there were any. */
    counted: v.optional(v.boolean()),
  })
    .index("by_reclaim_time", ["reclaimAt"])
    .index("by_counted", ["counted"])
    .index("by_slug", ["slug"])
    .index("by_namespace", ["namespace"])
    .index("by_status", ["status"])
    .index("by_host", ["hostId"])
    .index("by_group", ["groupId"]),

  /**
   * How many projects are in each status, in parts: a project counts in the one that its id gives, so that moves of
   * different projects seldom write the same row. Written by whatever makes, moves and removes projects; the sums are
   * read by `projects:statusCounts`.
   */
  projectCounts: defineTable({ shard: v.number(), counts: v.record(v.string(), v.number()) }).index(
    "by_shard",
    ["shard"],
  ),

  /** Sets of projects on one host that share a network for each kind of environment, and attachments. */
  groups: defineTable({
    name: v.string(),
    namespace: v.string(),
    attachments: v.array(vAttachment),
    /** The host of its members; none while it has none. */
    hostId: v.optional(v.id("hosts")),
    /** By kind of environment, while a member's environment of that kind is there. */
    subnets: v.object({
      dev: v.optional(v.string()),
      test: v.optional(v.string()),
      deploy: v.optional(v.string()),
    }),
  })
    .index("by_name", ["name"])
    .index("by_host", ["hostId"]),

  /** Written when the project is made or its manifest changed. */
  manifests: defineTable({
    projectId: v.id("projects"),
    /** As core/manifest.ts checked it and filled it in; read back through the same schema. */
    manifest: v.any(),
    /** From 1, which is also what a row without it is at; rises with each change. */
    revision: v.optional(v.number()),
  }).index("by_project", ["projectId"]),

  /** One row for each name that a manifest lists under `domains`: nobody else can have it meanwhile. */
  domains: defineTable({
    name: v.string(),
    projectId: v.id("projects"),
    /** What its host's worker last told of its certificates (model/certificateReports.ts). */
    certificate: v.optional(v.object({ given: v.string(), acme: v.string() })),
  })
    .index("by_name", ["name"])
    .index("by_project", ["projectId"]),

  /** Certificates that people set for their domains. Keys are sealed; read by workers alone. */
  certificates: defineTable({
    projectId: v.id("projects"),
    domainId: v.id("domains"),
    domain: v.string(),
    /** PEM, the domain's own first. */
    chain: v.string(),
    sealed: v.string(),
    setAt: v.number(),
    setBy: v.string(),
  })
    .index("by_domain", ["domainId"])
    .index("by_project", ["projectId"]),

  /** Desired state: written by transitions alone, read by workers. */
  environments: defineTable({
    projectId: v.id("projects"),
    kind: vKind,
    desired: vDesired,
    generation: v.number(),
    keepVolumes: v.boolean(),
    subnet: v.optional(v.string()),
    egressSubnet: v.optional(v.string()),
    /** Host ports by service. */
    ports: v.optional(v.record(v.string(), v.number())),
    /** What it runs a snapshot of: of test the release that is tested, of deploy the one that was deployed last. */
    releaseId: v.optional(v.id("releases")),
    /** Of deploy: the release that its worker said to be live last, and the one before, which is kept ready. */
    liveReleaseId: v.optional(v.id("releases")),
    kept: v.optional(v.object({ releaseId: v.id("releases"), until: v.number() })),
    /** A release that gets so many percent of the requests. */
    canary: v.optional(v.object({ releaseId: v.id("releases"), percent: v.number() })),
    /** By service the replicas that there are to be, in place of what the manifest says. */
    replicas: v.optional(v.record(v.string(), v.number())),
    /** How often somebody asked for what it is to run, and which rollout of it was undone last. */
    attempt: v.optional(v.number()),
    undone: v.optional(vUndone),
    /** What its worker told of a rollout last: the same again changes nothing. */
    toldRollout: v.optional(v.string()),
  }).index("by_project_and_kind", ["projectId", "kind"]),

  /** Observed state: written by the project's worker alone. */
  environmentObservations: defineTable({
    projectId: v.id("projects"),
    ...observationFields,
    observedAt: v.number(),
  }).index("by_project_and_kind", ["projectId", "kind"]),

  /** One row for each environment that its worker has yet to bring to `generation`, and none for any other. */
  inbox: defineTable({
    hostId: v.id("hosts"),
    projectId: v.id("projects"),
    kind: vKind,
    generation: v.number(),
  })
    .index("by_host", ["hostId"])
    .index("by_project_and_kind", ["projectId", "kind"]),

  /** Written when a worker comes and goes. */
  hosts: defineTable({
    name: v.string(),
    instanceId: v.string(),
    version: v.string(),
    engineVersion: v.string(),
    cpus: v.number(),
    memoryBytes: v.number(),
    stacks: v.array(v.string()),
    /** Where the worker's door is reached: files, commands, terminals. */
    doorUrl: v.optional(v.string()),
    /** What its worker finds wrong with the machine itself, as sentences. */
    problems: v.optional(v.array(v.string())),
    state: vHostState,
    /** The fencing number: a write that carries an older one is refused. */
    epoch: v.number(),
  })
    .index("by_name", ["name"])
    .index("by_state", ["state"]),

  /** Written at every heartbeat; read by `hosts:lease` alone. */
  hostLeases: defineTable({
    hostId: v.id("hosts"),
    heartbeatAt: v.number(),
    expiresAt: v.number(),
    expiryJob: v.optional(v.id("_scheduled_functions")),
  }).index("by_host", ["hostId"]),

  /** Written by transitions that change what a host has promised. */
  hostLoads: defineTable({
    hostId: v.id("hosts"),
    reserved: vReservation,
    /** How many projects live there. */
    projects: v.optional(v.number()),
  }).index("by_host", ["hostId"]),

  /** What a host's worker finds, mends and fails at. Written by it, where something changed; read by `hosts:listHosts`. */
  hostReports: defineTable({
    hostId: v.id("hosts"),
    /** What `slipway doctor` knows of the machine and the worker, as it was at `at`. */
    checks: v.optional(v.object({ at: v.number(), findings: v.array(vFinding) })),
    /** What was found otherwise than it should be, and was put right. */
    drift: v.optional(vHostDrift),
    /** The last ones, newest first. */
    errors: v.optional(v.array(vHostError)),
  }).index("by_host", ["hostId"]),

  /** What a host uses now. Written by its worker every half minute; read by `hosts:usage` alone. */
  hostUsages: defineTable({ hostId: v.id("hosts"), ...hostUsageFields }).index("by_host", ["hostId"]),

  /**
   * Projects that somebody looks at, whose containers are sampled finely until then. Written by `metrics:watch`, removed
   * when the time is over; read by the host's worker.
   */
  metricWatches: defineTable({ projectId: v.id("projects"), hostId: v.id("hosts"), until: v.number() })
    .index("by_project", ["projectId"])
    .index("by_host", ["hostId"]),

  /**
   * What an environment's containers used, as columns: a chunk is a stretch of time of one resolution (core/metrics.ts).
   * Written by the host's worker; as a chunk of minutes closes it is averaged into one of quarters of an hour. Read by
   * `metrics:history`. Gone when its time is over, or with the project.
   */
  metricChunks: defineTable({
    projectId: v.id("projects"),
    hostId: v.id("hosts"),
    kind: vKind,
    resolution: vMetricResolution,
    /** ms since 1970. */
    start: v.number(),
    expiresAt: v.number(),
    series: v.array(v.object(metricColumns)),
  })
    .index("by_environment_and_start", ["projectId", "kind", "resolution", "start"])
    .index("by_host_and_expiry", ["hostId", "expiresAt"]),

  /**
   * Tokens that wait for a browser, each sealed with a code that is in no table (core/signInLink.ts). Written by
   * `signIn:offer`; read and removed by the first `signIn:take`, and removed when its time is over.
   */
  signInOffers: defineTable({
    codeHash: v.string(),
    sealed: v.string(),
    expiresAt: v.number(),
  }).index("by_code_hash", ["codeHash"]),

  /** One row for each pool that subnets were ever cut from; `next` is the first index never given out. */
  subnetPools: defineTable({ pool: v.string(), next: v.number() }).index("by_pool", ["pool"]),

  /** One row for each subnet that was ever given out. */
  subnets: defineTable({
    pool: v.string(),
    cidr: v.string(),
    state: v.union(v.literal("free"), v.literal("used"), v.literal("setAside")),
    owner: v.optional(
      v.object({ id: v.union(v.id("projects"), v.id("groups")), kind: vKind, which: vWhichSubnet }),
    ),
    reason: v.optional(v.string()),
  })
    .index("by_pool_and_state", ["pool", "state"])
    .index("by_owner", ["owner.id", "owner.kind", "owner.which"]),

  /** One row for each host port that was ever given out. */
  ports: defineTable({
    hostId: v.id("hosts"),
    port: v.number(),
    state: v.union(v.literal("free"), v.literal("used"), v.literal("setAside")),
    owner: v.optional(v.object({ projectId: v.id("projects"), kind: vKind, service: v.string() })),
    reason: v.optional(v.string()),
  })
    .index("by_host_state_and_port", ["hostId", "state", "port"])
    .index("by_host_and_port", ["hostId", "port"])
    .index("by_owner", ["owner.projectId", "owner.kind", "owner.service"]),

  /** For each host the port after the last one given out. */
  portMarks: defineTable({ hostId: v.id("hosts"), next: v.number() }).index("by_host", ["hostId"]),

  /** The named actors of a project, made when its planning starts. What they may do now follows from its status. */
  agents: defineTable({
    projectId: v.id("projects"),
    name: vAgentName,
    verbs: v.array(v.string()),
  }).index("by_project_and_name", ["projectId", "name"]),

  /** One row for each token that was registered or revoked; the token itself is nowhere. Read by every call. */
  tokens: defineTable({
    tokenId: v.string(),
    role: vRole,
    subject: v.string(),
    projectId: v.optional(v.id("projects")),
    verbs: v.optional(v.array(v.string())),
    note: v.optional(v.string()),
    issuedBy: v.string(),
    issuedAt: v.number(),
    /** ms since 1970. */
    expiresAt: v.number(),
    revokedAt: v.optional(v.number()),
  })
    .index("by_token_id", ["tokenId"])
    .index("by_project", ["projectId"])
    .index("by_expiry", ["expiresAt"]),

  /** Sealed by whoever set them; read by workers alone. */
  secrets: defineTable({
    projectId: v.id("projects"),
    name: v.string(),
    sealed: v.string(),
    setAt: v.number(),
    setBy: v.string(),
  }).index("by_project_and_name", ["projectId", "name"]),

  /** One row for each project whose source is a folder: whether it has arrived, and where it is until dev runs on it. */
  sources: defineTable({
    projectId: v.id("projects"),
    state: vSourceState,
    storageId: v.optional(v.id("_storage")),
    /** In hex, of the archive. */
    sha256: v.optional(v.string()),
    bytes: v.optional(v.number()),
    files: v.optional(v.number()),
  })
    .index("by_project", ["projectId"])
    .index("by_storage", ["storageId"]),

  /** The last lines that an environment's services said, in chunks; the oldest chunk goes as a new one comes. */
  logChunks: defineTable({
    projectId: v.id("projects"),
    kind: vKind,
    sequence: v.number(),
    lines: v.array(vLogLine),
  }).index("by_environment_and_sequence", ["projectId", "kind", "sequence"]),

  /** One row for each source file that is indexed, so that only changed ones are sent again. */
  codeFiles: defineTable({
    projectId: v.id("projects"),
    path: v.string(),
    /** Of the content, as the worker computes it. */
    hash: v.string(),
  }).index("by_project_and_path", ["projectId", "path"]),

  /** How many files a project has indexed. */
  codeCounts: defineTable({ projectId: v.id("projects"), files: v.number() }).index("by_project", [
    "projectId",
  ]),

  /** Pieces of source files, searched within one namespace. */
  codeChunks: defineTable({
    projectId: v.id("projects"),
    namespace: v.string(),
    path: v.string(),
    startLine: v.number(),
    endLine: v.number(),
    text: v.string(),
  })
    .index("by_project_and_path", ["projectId", "path"])
    .searchIndex("search_text", { searchField: "text", filterFields: ["namespace"] }),

  /** What a chunk means, where an embeddings endpoint is configured. Apart, so that text search need not read it. */
  codeEmbeddings: defineTable({
    projectId: v.id("projects"),
    chunkId: v.id("codeChunks"),
    namespace: v.string(),
    embedding: v.array(v.float64()),
  })
    .index("by_chunk", ["chunkId"])
    .index("by_project", ["projectId"])
    .vectorIndex("by_embedding", {
      vectorField: "embedding",
      dimensions: EMBEDDING_DIMENSIONS,
      filterFields: ["namespace"],
    }),

  /** An immutable snapshot of a project's workspace with the result of its tests; what is large of it is apart. */
  releases: defineTable({
    projectId: v.id("projects"),
    /** 1, 2, … in its project. */
    number: v.number(),
    state: vReleaseState,
    /** SHA-256 of the content in hex, once its worker has taken it. */
    snapshot: v.optional(v.string()),
    files: v.optional(v.number()),
    bytes: v.optional(v.number()),
    message: v.string(),
    createdAt: v.number(),
    testedAt: v.optional(v.number()),
    result: v.optional(vTestVerdict),
  })
    .index("by_project_and_number", ["projectId", "number"])
    .index("by_project_and_state", ["projectId", "state"]),

  /** One row for each attempt to bring a release to where a project serves: written when it is wanted and when it is over. */
  deploys: defineTable({
    projectId: v.id("projects"),
    /** 1, 2, … in its project. */
    number: v.number(),
    kind: oneOf(DEPLOY_KINDS),
    state: oneOf(DEPLOY_STATES),
    releaseId: v.id("releases"),
    /** The release's number: it may be forgotten sooner. */
    release: v.number(),
    percent: v.optional(v.number()),
    by: v.string(),
    startedAt: v.number(),
    switchedAt: v.optional(v.number()),
    endedAt: v.optional(v.number()),
    cause: v.optional(v.string()),
    receipt: v.optional(vReceipt),
  }).index("by_project_and_number", ["projectId", "number"]),

  /** What was to be run, as it was when the release was made. */
  releaseManifests: defineTable({
    projectId: v.id("projects"),
    releaseId: v.id("releases"),
    manifest: v.any(),
  })
    .index("by_release", ["releaseId"])
    .index("by_project", ["projectId"]),

  /** The end of what a release's tests wrote. */
  releaseOutputs: defineTable({
    projectId: v.id("projects"),
    releaseId: v.id("releases"),
    output: v.string(),
  })
    .index("by_release", ["releaseId"])
    .index("by_project", ["projectId"]),

  /** What a request with an id answered, so that the same request again changes nothing. */
  requests: defineTable({
    projectId: v.id("projects"),
    requestId: v.string(),
    to: vStatus,
    result: v.object({ from: vStatus, to: vStatus, changed: v.boolean(), generation: v.number() }),
  }).index("by_project_and_request", ["projectId", "requestId"]),

  /** The audit log: only ever appended to. Outlives the project, so it carries the project's names. */
  events: defineTable({
    type: v.union(...EVENT_TYPES.map((type) => v.literal(type))),
    at: v.number(),
    actor: vActor,
    slug: v.optional(v.string()),
    namespace: v.optional(v.string()),
    environment: v.optional(vKind),
    from: v.optional(v.string()),
    to: v.optional(v.string()),
    reason: v.optional(v.string()),
    override: v.optional(v.boolean()),
    message: v.string(),
  }).index("by_namespace", ["namespace"]),
});
