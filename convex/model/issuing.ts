import { v, type Infer, type ObjectType } from "convex/values";
import { defaultVerbs } from "../../core/access.ts";
import type { MutationCtx } from "../_generated/server";
import { actorOf, requireProject, type Caller } from "./access.ts";
import { refuse } from "./refuse.ts";
import { signingKey } from "./signing.ts";
import { registerToken } from "./tokens.ts";
import { oneOf, vAgentName, vRole } from "./validators.ts";

/** Tokens that admins make through the deployment itself, where it holds the signing key. */

const SHORTEST_MS = 60_000;
const LONGEST_MS = 366 * 86_400_000;

/** A worker's token is made where its keys are: what it reads, seals included, is no business of a page. */
export const issuedFields = {
  role: oneOf(["admin", "viewer", "agent"]),
  subject: v.optional(v.string()),
  project: v.optional(v.string()),
  agent: v.optional(vAgentName),
  verbs: v.optional(v.array(v.string())),
  ttlMs: v.number(),
  note: v.optional(v.string()),
};
type Request = ObjectType<typeof issuedFields>;

/** What is to be signed; `project` is an id. */
export const vIssued = v.object({
  role: vRole,
  subject: v.string(),
  project: v.optional(v.id("projects")),
  verbs: v.optional(v.array(v.string())),
  expiresAt: v.number(),
});

/** Makes a token known before it is signed, so that none is ever there that nobody can revoke. */
export async function registerIssued(
  ctx: MutationCtx,
  caller: Caller,
  tokenId: string,
  request: Request,
): Promise<Infer<typeof vIssued>> {
  checkRequest(caller, request);
  // Refuses where there is no key: then nothing is registered either.
  signingKey();
  const { role, agent, note, ttlMs } = request;
  const project = request.project === undefined ? null : await requireProject(ctx, caller, request.project);
  const issued = {
    role,
    subject: request.subject?.trim() || (agent ?? role),
    verbs: request.verbs ?? defaultVerbs(role, agent ?? ""),
    expiresAt: Date.now() + Math.floor(ttlMs),
  };
  await registerToken(ctx, actorOf(caller), { ...issued, tokenId, projectId: project?._id, note });
  return { ...issued, project: project?._id };
}

function checkRequest(caller: Caller, { role, agent, verbs, project, ttlMs, subject }: Request): void {
  if (caller.scope !== "all" && project === undefined) {
    refuse({
      code: "forbidden",
      message: "A token of one project can make tokens of that project alone.",
      hint: "Name the project.",
    });
  }
  if (role !== "agent" && (agent !== undefined || verbs !== undefined)) {
    refuse({
      code: "bad_request",
      message: `A token of the role ${role} has no verbs: they are an agent's.`,
      path: agent === undefined ? "verbs" : "agent",
    });
  }
  if (!(ttlMs >= SHORTEST_MS && ttlMs <= LONGEST_MS)) {
    refuse({
      code: "bad_request",
      message: "A token is good for a minute at least, and for 366 days at most.",
      path: "ttlMs",
    });
  }
  if ((subject?.length ?? 0) > 100) {
    refuse({ code: "bad_request", message: "A subject has at most 100 characters.", path: "subject" });
  }
}
