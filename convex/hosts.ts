import { v } from "convex/values";
import { query } from "./_generated/server";
import { requireReader } from "./model/access.ts";

/** More hosts than one instance has. */
const MOST_HOSTS = 100;

/** The machines that workers have registered, and whether each holds its lease; none for a token of one project. */
export const listHosts = query({
  args: {},
  returns: v.array(
    v.object({
      hostId: v.id("hosts"),
      name: v.string(),
      state: v.union(v.literal("live"), v.literal("lost"), v.literal("left")),
      version: v.string(),
      engineVersion: v.string(),
      cpus: v.number(),
      memoryBytes: v.number(),
      stacks: v.array(v.string()),
      problems: v.array(v.string()),
    }),
  ),
  handler: async (ctx) => {
    const caller = await requireReader(ctx);
    if (caller.scope !== "all") return [];
    const hosts = await ctx.db.query("hosts").take(MOST_HOSTS);
    return hosts.map(
      ({ _id, name, state, version, engineVersion, cpus, memoryBytes, stacks, problems = [] }) => ({
        hostId: _id,
        name,
        state,
        version,
        engineVersion,
        cpus,
        memoryBytes,
        stacks,
        problems,
      }),
    );
  },
});
