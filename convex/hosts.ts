import { v } from "convex/values";
import { query } from "./_generated/server";
import { requireReader, visibleHost } from "./model/access.ts";
import { loadOf } from "./model/capacity.ts";
import { hostReportOf, hostUsageOf, vHostUsage } from "./model/hostReports.ts";
import { leaseOf } from "./model/hosts.ts";
import { overcommit } from "./model/settings.ts";
import { vFinding, vHostDrift, vHostError, vHostState, vReservation } from "./model/validators.ts";

/** More hosts than one instance has. */
const MOST_HOSTS = 100;

/**
 * The machines that workers have registered, what they have promised, and what their workers find wrong; none for a token
 * of one project. What changes all the time is apart: `lease` and `usage`.
 */
export const listHosts = query({
  args: {},
  returns: v.array(
    v.object({
      hostId: v.id("hosts"),
      name: v.string(),
      state: vHostState,
      version: v.string(),
      engineVersion: v.string(),
      cpus: v.number(),
      memoryBytes: v.number(),
      stacks: v.array(v.string()),
      problems: v.array(v.string()),
      epoch: v.number(),
      reserved: vReservation,
      /** What may be reserved: what the machine has, as many times over as the deployment's settings say. */
      allowed: vReservation,
      /** How many live there, whether or not anything of them runs. */
      projects: v.number(),
      checks: v.object({ at: v.union(v.number(), v.null()), findings: v.array(vFinding) }),
      drift: vHostDrift,
      /** Newest first. */
      errors: v.array(vHostError),
    }),
  ),
  handler: async (ctx) => {
    const caller = await requireReader(ctx);
    if (caller.scope !== "all") return [];
    const factors = overcommit();
    const hosts = await ctx.db.query("hosts").take(MOST_HOSTS);
    return await Promise.all(
      hosts.map(async (host) => {
        const load = await loadOf(ctx, host._id);
        const report = await hostReportOf(ctx, host._id);
        return {
          hostId: host._id,
          name: host.name,
          state: host.state,
          version: host.version,
          engineVersion: host.engineVersion,
          cpus: host.cpus,
          memoryBytes: host.memoryBytes,
          stacks: host.stacks,
          problems: host.problems ?? [],
          epoch: host.epoch,
          reserved: load.reserved,
          allowed: {
            cpus: host.cpus * factors.cpus,
            memoryBytes: host.memoryBytes * factors.memory,
          },
          projects: load.projects ?? 0,
          checks: report?.checks ?? { at: null, findings: [] },
          drift: report?.drift ?? { mended: 0, lastAt: null, last: null },
          errors: report?.errors ?? [],
        };
      }),
    );
  },
});

/** A host's lease, which every heartbeat changes; null where it has none, or for a token of one project. */
export const lease = query({
  args: { hostId: v.string() },
  returns: v.union(
    v.object({ heartbeatAt: v.number(), expiresAt: v.number(), state: vHostState, epoch: v.number() }),
    v.null(),
  ),
  handler: async (ctx, { hostId }) => {
    const caller = await requireReader(ctx);
    const host = await visibleHost(ctx, caller, hostId);
    const row = host && (await leaseOf(ctx, host._id));
    if (!row) return null;
    return {
      heartbeatAt: row.heartbeatAt,
      expiresAt: row.expiresAt,
      state: host.state,
      epoch: host.epoch,
    };
  },
});

/** What a host uses, as its worker told it last; null where none did, or for a token of one project. */
export const usage = query({
  args: { hostId: v.string() },
  returns: v.union(vHostUsage, v.null()),
  handler: async (ctx, { hostId }) => {
    const caller = await requireReader(ctx);
    const host = await visibleHost(ctx, caller, hostId);
    const row = host && (await hostUsageOf(ctx, host._id));
    if (!row) return null;
    const { _id, _creationTime, hostId: _host, ...told } = row;
    return told;
  },
});
