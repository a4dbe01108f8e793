import { paginationOptsValidator, paginationResultValidator } from "convex/server";
import { v } from "convex/values";
import { startOf } from "../core/text.ts";
import { internalMutation, mutation, query } from "./_generated/server";
import {
  actorOf,
  hostedProject,
  requireHost,
  requireHostedProject,
  requireLease,
  requireRegistrar,
} from "./model/access.ts";
import { takeCertificateReport, vCertificateState } from "./model/certificateReports.ts";
import { eraseProject } from "./model/deletion.ts";
import { deployReportFields, takeDeployReport } from "./model/deployReports.ts";
import { environmentOf, replacePort, replaceSubnet } from "./model/environments.ts";
import { hostReportFields, takeHostReport } from "./model/hostReports.ts";
import { metricReportFields, takeMetrics } from "./model/metricReports.ts";
import { watchedOn } from "./model/metricWatches.ts";
import * as code from "./model/code.ts";
import * as hosts from "./model/hosts.ts";
import { readInbox } from "./model/inbox.ts";
import { appendLogs as append } from "./model/logs.ts";
import { boundedPage } from "./model/pages.ts";
import { projectSpec, vProjectSpec } from "./model/projects.ts";
import { refuse } from "./model/refuse.ts";
import { takeSnapshotReport, takeTestReport, vTestResult } from "./model/releaseReports.ts";
import { takeReport, vObservation } from "./model/report.ts";
import { sourceForWorker, vSourceForWorker } from "./model/sources.ts";
import { poolsInUse } from "./model/subnets.ts";
import { vKind, vLogLine, vStatus, vWhichSubnet } from "./model/validators.ts";

/** What a worker calls. Every write carries the host's epoch; `stale_epoch` means that another worker took over. */

const lease = { hostId: v.string(), epoch: v.number() };

/**
 * Takes a host: the same name is the same host, with the next epoch, and whoever had it before is shut out.
 * `memoryBytes` is what the machine has; `stacks` names the stacks that it can run.
 */
export const register = mutation({
  args: hosts.registrationFields,
  returns: v.object({ hostId: v.id("hosts"), epoch: v.number(), leaseMs: v.number() }),
  handler: async (ctx, args) => {
    const caller = await requireRegistrar(ctx, args.name);
    return await hosts.registerHost(ctx, actorOf(caller), args);
  },
});

/** Keeps the lease for another `leaseMs`; to be sent every third of that. */
export const heartbeat = mutation({
  args: { ...lease, problems: v.optional(v.array(v.string())) },
  returns: v.null(),
  handler: async (ctx, { problems, ...args }) => {
    const { host, actor } = await requireLease(ctx, args);
    await hosts.heartbeat(ctx, actor, host, problems ?? []);
    return null;
  },
});

/** A clean stop: the lease is given back at once. */
export const unregister = mutation({
  args: lease,
  returns: v.null(),
  handler: async (ctx, args) => {
    const { host, actor } = await requireLease(ctx, args);
    await hosts.unregisterHost(ctx, actor, host);
    return null;
  },
});

/** Runs by schedule when a lease may have run out. */
export const expireLease = internalMutation({
  args: { leaseId: v.id("hostLeases") },
  returns: v.null(),
  handler: async (ctx, { leaseId }) => {
    await hosts.expireLease(ctx, leaseId);
    return null;
  },
});

/** What needs work on the host, oldest first, at most 200. Costs the same at any number of idle projects. */
export const inbox = query({
  args: { hostId: v.string() },
  returns: v.array(v.object({ projectId: v.id("projects"), kind: vKind, generation: v.number() })),
  handler: async (ctx, { hostId }) => {
    const host = await requireHost(ctx, hostId);
    return await readInbox(ctx, host);
  },
});

/**
 * All that the worker needs to know of one project of its host; null: it does not live here, or is gone. A worker that
 * another one has replaced is refused, so that it does not act on what is no longer its own; without an epoch it is only
 * looked at.
 */
export const project = query({
  args: { hostId: v.string(), epoch: v.optional(v.number()), projectId: v.string() },
  returns: v.union(vProjectSpec, v.null()),
  handler: async (ctx, { hostId, epoch, projectId }) => {
    const host =
      epoch === undefined
        ? await requireHost(ctx, hostId)
        : (await requireLease(ctx, { hostId, epoch })).host;
    const hosted = await hostedProject(ctx, host, projectId);
    return hosted && (await projectSpec(ctx, hosted));
  },
});

/** The uploaded source of a project of this host: where it is, and by what it is known to be whole. */
export const source = query({
  args: { hostId: v.string(), projectId: v.string() },
  returns: vSourceForWorker,
  handler: async (ctx, { hostId, projectId }) => {
    const host = await requireHost(ctx, hostId);
    const owner = await requireHostedProject(ctx, host, projectId);
    return await sourceForWorker(ctx, owner);
  },
});

/** The host's projects, for start-up and for the periodic look at everything. At most 100 a page. */
export const projects = query({
  args: { hostId: v.string(), paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(
    v.object({
      projectId: v.id("projects"),
      namespace: v.string(),
      status: vStatus,
      /** The namespace of its group. */
      group: v.union(v.string(), v.null()),
    }),
  ),
  handler: async (ctx, { hostId, paginationOpts }) => {
    const host = await requireHost(ctx, hostId);
    const page = await ctx.db
      .query("projects")
      .withIndex("by_host", (q) => q.eq("hostId", host._id))
      .paginate(boundedPage(paginationOpts));
    return {
      ...page,
      page: await Promise.all(
        page.page.map(async ({ _id, namespace, status, groupId }) => ({
          projectId: _id,
          namespace,
          status,
          group: (groupId && (await ctx.db.get("groups", groupId))?.namespace) ?? null,
        })),
      ),
    };
  },
});

/**
 * The namespaces of the groups that live on the host, also of those whose members there are all gone while another
 * member has no host yet: what they share stays for that one. At most 100 a page.
 */
export const groups = query({
  args: { hostId: v.string(), paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(v.string()),
  handler: async (ctx, { hostId, paginationOpts }) => {
    const host = await requireHost(ctx, hostId);
    const page = await ctx.db
      .query("groups")
      .withIndex("by_host", (q) => q.eq("hostId", host._id))
      .paginate(boundedPage(paginationOpts));
    return { ...page, page: page.page.map(({ namespace }) => namespace) };
  },
});

/** Where all containers' addresses lie: the pools of subnets that are in use, IPv4 in CIDR form, at most 65. */
export const subnetPools = query({
  args: { hostId: v.string() },
  returns: v.array(v.string()),
  handler: async (ctx, { hostId }) => {
    await requireHost(ctx, hostId);
    return await poolsInUse(ctx);
  },
});

/** What the worker saw of a project's environments. What is settled at its generation leaves the inbox. */
export const report = mutation({
  args: { ...lease, projectId: v.string(), environments: v.array(vObservation) },
  returns: v.null(),
  handler: async (ctx, { projectId, environments, ...args }) => {
    const { host, actor } = await requireLease(ctx, args);
    const reported = await requireHostedProject(ctx, host, projectId);
    for (const seen of environments) await takeReport(ctx, actor, reported, seen);
    return null;
  },
});

/** How a project's domains stand with their certificates, at most 32 of them. The same again changes nothing. */
export const reportCertificates = mutation({
  args: { ...lease, projectId: v.string(), certificates: v.array(vCertificateState) },
  returns: v.null(),
  handler: async (ctx, { projectId, certificates, ...args }) => {
    const { host, actor } = await requireLease(ctx, args);
    const owner = await requireHostedProject(ctx, host, projectId);
    await takeCertificateReport(ctx, actor, owner, certificates);
    return null;
  },
});

/** Nothing of a project in `deleting` is left on the host: its rows go and what it held is free. Safe to repeat. */
export const confirmDeleted = mutation({
  args: { ...lease, projectId: v.string() },
  returns: v.null(),
  handler: async (ctx, { projectId, ...args }) => {
    const { host, actor } = await requireLease(ctx, args);
    const deleted = await hostedProject(ctx, host, projectId);
    if (!deleted) return null;
    if (deleted.status !== "deleting") {
      refuse({
        code: "status_changed",
        message: `${deleted.slug} is ${deleted.status}, not deleting: its rows stay.`,
        hint: "Read the project again.",
      });
    }
    await eraseProject(ctx, actor, deleted);
    return null;
  },
});

/** The content that was taken for a release, by its SHA-256. The same again changes nothing. */
export const reportSnapshot = mutation({
  args: {
    ...lease,
    projectId: v.string(),
    releaseId: v.string(),
    snapshot: v.string(),
    files: v.number(),
    bytes: v.number(),
  },
  returns: v.null(),
  handler: async (ctx, { projectId, releaseId, snapshot, files, bytes, ...args }) => {
    const { host, actor } = await requireLease(ctx, args);
    const taken = await requireHostedProject(ctx, host, projectId);
    await takeSnapshotReport(ctx, actor, taken, releaseId, { snapshot, files, bytes });
    return null;
  },
});

/** How the tests of a release ended; of the output the last 64 KiB are kept. The first result stands. */
export const reportTest = mutation({
  args: { ...lease, projectId: v.string(), releaseId: v.string(), result: vTestResult },
  returns: v.null(),
  handler: async (ctx, { projectId, releaseId, result, ...args }) => {
    const { host, actor } = await requireLease(ctx, args);
    const tested = await requireHostedProject(ctx, host, projectId);
    await takeTestReport(ctx, actor, tested, releaseId, result);
    return null;
  },
});

/** How the rollout of a release ended. The same again, and what is overtaken by now, changes nothing. */
export const reportDeploy = mutation({
  args: { ...lease, projectId: v.string(), ...deployReportFields },
  returns: v.null(),
  handler: async (ctx, { hostId, epoch, projectId, ...report }) => {
    const { host, actor } = await requireLease(ctx, { hostId, epoch });
    const deployed = await requireHostedProject(ctx, host, projectId);
    await takeDeployReport(ctx, actor, deployed, report);
    return null;
  },
});

/**
 * Another subnet for an environment's network, where Docker says that `subnet` is taken; that one is set aside. Where the
 * environment has another one by now, as after a call that was sent twice, that is the answer and nothing changes.
 */
export const reallocateSubnet = mutation({
  args: {
    ...{ ...lease, projectId: v.string(), kind: vKind, which: vWhichSubnet },
    subnet: v.string(),
    reason: v.string(),
  },
  returns: v.object({ subnet: v.string() }),
  handler: async (ctx, { projectId, kind, which, subnet, reason, ...args }) => {
    const { host, actor } = await requireLease(ctx, args);
    const owner = await requireHostedProject(ctx, host, projectId);
    const environment = await environmentOf(ctx, owner._id, kind);
    const taken = { which, subnet, reason: startOf(reason, 500) };
    return { subnet: await replaceSubnet(ctx, actor, owner, environment, taken) };
  },
});

/** Another host port for a service, where `port` cannot be bound; that one is set aside. Else as `reallocateSubnet`. */
export const reallocatePort = mutation({
  args: {
    ...{ ...lease, projectId: v.string(), kind: vKind, service: v.string() },
    port: v.number(),
    reason: v.string(),
  },
  returns: v.object({ port: v.number() }),
  handler: async (ctx, { projectId, kind, service, port, reason, ...args }) => {
    const { host, actor } = await requireLease(ctx, args);
    const owner = await requireHostedProject(ctx, host, projectId);
    const environment = await environmentOf(ctx, owner._id, kind);
    const taken = { service, port, reason: startOf(reason, 500) };
    return { port: await replacePort(ctx, actor, owner, environment, taken) };
  },
});

/** What an environment's services said since the last call: at most 200 lines, of which only the last are kept. */
export const appendLogs = mutation({
  args: { ...lease, projectId: v.string(), kind: vKind, lines: v.array(vLogLine) },
  returns: v.null(),
  handler: async (ctx, { projectId, kind, lines, ...args }) => {
    const { host } = await requireLease(ctx, args);
    const logged = await requireHostedProject(ctx, host, projectId);
    await append(ctx, logged._id, kind, lines);
    return null;
  },
});

/** Which of a project's source files are indexed for search, with the hash of each content. At most 500 a page. */
export const codeFiles = query({
  args: { hostId: v.string(), projectId: v.string(), paginationOpts: paginationOptsValidator },
  returns: paginationResultValidator(v.object({ path: v.string(), hash: v.string() })),
  handler: async (ctx, { hostId, projectId, paginationOpts }) => {
    const host = await requireHost(ctx, hostId);
    const indexed = await requireHostedProject(ctx, host, projectId);
    const page = await ctx.db
      .query("codeFiles")
      .withIndex("by_project_and_path", (q) => q.eq("projectId", indexed._id))
      .paginate(boundedPage(paginationOpts, 500));
    return { ...page, page: page.page.map(({ path, hash }) => ({ path, hash })) };
  },
});

/** Indexes one source file, in place of what was indexed of it; see core/codeChunks.ts for its limits. */
export const indexCode = mutation({
  args: { ...lease, projectId: v.string(), path: v.string(), hash: v.string(), chunks: v.array(code.vChunk) },
  returns: v.null(),
  handler: async (ctx, { projectId, path, hash, chunks, ...args }) => {
    const { host } = await requireLease(ctx, args);
    const indexed = await requireHostedProject(ctx, host, projectId);
    await code.indexFile(ctx, indexed, { path, hash, chunks });
    return null;
  },
});

/** Forgets source files that are gone, at most 20 at a time. */
export const forgetCode = mutation({
  args: { ...lease, projectId: v.string(), paths: v.array(v.string()) },
  returns: v.null(),
  handler: async (ctx, { projectId, paths, ...args }) => {
    const { host } = await requireLease(ctx, args);
    const indexed = await requireHostedProject(ctx, host, projectId);
    await code.forgetFiles(ctx, indexed, paths);
    return null;
  },
});

/** The projects of the host that somebody looks at until `until` (ms since 1970): their containers are sampled finely. */
export const watched = query({
  args: { hostId: v.string() },
  returns: v.array(v.object({ projectId: v.id("projects"), until: v.number() })),
  handler: async (ctx, { hostId }) => {
    const host = await requireHost(ctx, hostId);
    return await watchedOn(ctx, host._id);
  },
});

/**
 * What containers used (core/metrics.ts): `fine` points 5 s apart, of watched projects alone, or one a `minute` of all.
 * At most 100 environments and 1000 series at a time. What is not of this host, not newer than what is kept of the
 * series, or too old to be kept is let go, so the same may be sent again.
 * @throws ConvexError `too_much`; `bad_request` where the host's clock is more than 5 minutes ahead
 */
export const appendMetrics = mutation({
  args: { ...lease, ...metricReportFields },
  returns: v.null(),
  handler: async (ctx, { resolution, environments, ...args }) => {
    const { host } = await requireLease(ctx, args);
    await takeMetrics(ctx, host, { resolution, environments });
    return null;
  },
});

/**
 * What the worker knows of its host itself: of each part the whole, and only those that changed. At most 100 findings;
 * of errors the newest 10 are kept, of texts 1000 characters.
 */
export const reportHost = mutation({
  args: { ...lease, ...hostReportFields },
  returns: v.null(),
  handler: async (ctx, { hostId, epoch, ...report }) => {
    const { host } = await requireLease(ctx, { hostId, epoch });
    await takeHostReport(ctx, host._id, report);
    return null;
  },
});
