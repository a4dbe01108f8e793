import * as z from "zod";
import { AGENT_NAMES, EDGES, STATUSES, type AgentName, type Status } from "./lifecycle.ts";

/** Who may do what (DESIGN.md §6): the claims of a token, and what they allow. */

export const ISSUER = "https://slipway.invalid";
/** The audience of every token, which Convex calls the application's id. */
export const APPLICATION_ID = "slipway";

export const ROLES = ["admin", "worker", "viewer", "agent"] as const;
export type Role = (typeof ROLES)[number];

/** What may be done with a project's workspaces and containers, through its worker's door. */
export const WORKSPACE_VERBS = ["files.read", "files.write", "exec"] as const;
export type WorkspaceVerb = (typeof WORKSPACE_VERBS)[number];

export type Verb = "read" | "report" | "logs" | WorkspaceVerb | `move:${Status}`;

/** The verb that lets an agent's token move its project to `status`. */
export function moveVerb(status: Status): Verb {
  return `move:${status}`;
}

export const VERBS: readonly Verb[] = [
  "read",
  "report",
  "logs",
  ...WORKSPACE_VERBS,
  ...STATUSES.map(moveVerb),
];

/** Whose work is in the files, and who only has to look at them and run them. */
const WORKSPACE_WORK: Record<AgentName, readonly WorkspaceVerb[]> = {
  planner: ["files.read"],
  developer: ["files.read", "files.write", "exec"],
  tester: ["files.read", "exec"],
  deployer: ["files.read"],
};

/** What an agent may do without being given more: look, report, and make the moves that are its work. */
export function verbsOf(agent: AgentName): Verb[] {
  const moves = EDGES.filter((edge) => edge.agents.includes(agent)).map((edge) => moveVerb(edge.to));
  return ["read", "report", "logs", ...WORKSPACE_WORK[agent], ...new Set(moves)];
}

export function isAgentName(text: string): text is AgentName {
  return (AGENT_NAMES as readonly string[]).includes(text);
}

/** What a token gets that was given no verbs: an agent's those of its name, or to look; others need none. */
export function defaultVerbs(role: Role, subject: string): Verb[] | undefined {
  if (role !== "agent") return undefined;
  return isAgentName(subject) ? verbsOf(subject) : ["read"];
}

const vList = z.array(z.string());

/** A list as an array, as JSON text or as words: hosted Convex hands claims that are no strings over as JSON text. */
const vWords = z.union([vList, z.string().transform(wordsOf)]);

function wordsOf(text: string): string[] {
  if (!text.startsWith("[")) return text.split(/\s+/).filter(Boolean);
  try {
    return vList.parse(JSON.parse(text));
  } catch {
    return []; // A token that says nothing readable allows nothing.
  }
}

const vClaims = z.object({
  subject: z.string().min(1),
  issuer: z.literal(ISSUER),
  role: z.enum(ROLES),
  /** The project's id or namespace. Never its slug: a slug can be given to another project later. */
  project: z.string().min(1).optional(),
  verbs: vWords.catch([]).optional(),
  /** The one host that a worker's token may speak for. */
  host: z.string().min(1).optional(),
  /** `jti` again under a name that no JWT library keeps for itself. */
  tid: z.string().optional(),
  jti: z.string().optional(),
});

export type Claims = {
  subject: string;
  role: Role;
  project?: string;
  verbs: ReadonlySet<string>;
  host?: string;
  /** What the token is revoked by; one without is no token of ours. */
  tokenId: string;
};

/** What a verified token says, or null where it is none of ours or an agent's without a project. */
export function parseClaims(identity: unknown): Claims | null {
  const parsed = vClaims.safeParse(identity);
  if (!parsed.success) return null;
  const { subject, role, project, verbs, host, tid, jti } = parsed.data;
  const tokenId = tid ?? jti;
  if (tokenId === undefined || (role === "agent" && project === undefined)) return null;
  return { subject, role, project, verbs: new Set(verbs ?? []), host, tokenId };
}
