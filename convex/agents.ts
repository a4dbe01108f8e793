import { v } from "convex/values";
import { AGENTS, AGENT_NAMES } from "../core/lifecycle.ts";
import { mutation, query } from "./_generated/server";
import { actorOf, requireProject, requireReader, requireReporter } from "./model/access.ts";
import { agentsOf } from "./model/agents.ts";
import { recordEvent } from "./model/events.ts";
import { refuse } from "./model/refuse.ts";
import { vAgentName, vAgentState } from "./model/validators.ts";

/** A project's agents with what they may do, and what its status makes of them now. None before planning. */
export const listAgents = query({
  args: { project: v.string() },
  returns: v.array(v.object({ name: vAgentName, verbs: v.array(v.string()), state: vAgentState })),
  handler: async (ctx, { project: ref }) => {
    const caller = await requireReader(ctx);
    const project = await requireProject(ctx, caller, ref);
    const agents = await agentsOf(ctx, project._id);
    return agents
      .sort((one, other) => AGENT_NAMES.indexOf(one.name) - AGENT_NAMES.indexOf(other.name))
      .map(({ name, verbs }) => ({ name, verbs, state: AGENTS[project.status] }));
  },
});

const MAX_REPORT = 4000;

/** What an agent, or a person, wants the project's log to say: a result, a question, a decision. */
export const report = mutation({
  args: { project: v.string(), message: v.string() },
  returns: v.null(),
  handler: async (ctx, { project: ref, message }) => {
    const caller = await requireReporter(ctx);
    const project = await requireProject(ctx, caller, ref);
    if (message.trim() === "" || message.length > MAX_REPORT) {
      refuse({
        code: "bad_request",
        message: `A report has 1 to ${MAX_REPORT} characters.`,
        path: "message",
      });
    }
    await recordEvent(ctx, { type: "agent.report", actor: actorOf(caller), project, message });
    return null;
  },
});
