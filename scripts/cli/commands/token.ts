import { Option, type Command } from "commander";
import { decodeJwt } from "jose";
import { api } from "../../../convex/_generated/api.js";
import { defaultVerbs, ROLES, VERBS, type Role } from "../../../core/access.ts";
import { SlipwayError } from "../../../core/errors.ts";
import { AGENT_NAMES } from "../../../core/lifecycle.ts";
import { selfHosted } from "../../setup/backendUrl.ts";
import { mintToken, readKeys, rotateSigningKey } from "../../setup/keys.ts";
import { embeddedSecrets } from "../../supervisor/backend.ts";
import { age } from "../lib/age.ts";
import { outputOf } from "../lib/context.ts";
import { setVariables } from "../lib/deployment.ts";
import { WrongUse } from "../lib/fail.ts";
import { ttlOption } from "../lib/options.ts";
import { table } from "../lib/output.ts";
import { openSession, type Session } from "../lib/session.ts";
import { getProject } from "../lib/views.ts";

export function addToken(program: Command): void {
  const token = program.command("token").description("Make, list and revoke tokens.");
  token
    .command("create")
    .description("Make a token and print it, once. Only its id and what it may do are kept.")
    .addOption(new Option("--role <role>", "whose token").choices(ROLES).makeOptionMandatory())
    .option("--project <project>", "the one project that it is for; an agent's needs one")
    .option("--agent <name>", `which agent: ${AGENT_NAMES.join(", ")}; gives it the verbs of its work`)
    .option("--verb <verb...>", "what an agent may do, in place of its name's verbs")
    .option("--subject <name>", "who it is for, as the audit log shows it")
    .addOption(ttlOption("--ttl <duration>", "how long it is good for, like 30m, 8h or 30d", 1))
    .option("--note <text>", "what it is for")
    .addHelpText(
      "after",
      "\nExample:\n  slipway token create --role agent --project shop --agent developer --ttl 8h",
    )
    .action(create);
  token
    .command("list")
    .alias("ls")
    .description("List tokens, newest first; never the tokens themselves.")
    .option("--project <project>", "only those of one project")
    .action(list);
  token
    .command("revoke")
    .description("End a token now, by its id.")
    .argument("<id>", "as token list shows it")
    .action(revoke);
  token
    .command("rotate")
    .summary("sign with a new key from now on")
    .description("Make a new signing key. Tokens of the old one stay good for a while, then end.")
    .addOption(
      ttlOption("--overlap <duration>", "how long they stay good; the worker's own is renewed in 12h", 48),
    )
    .action(rotate);
}

type CreateOptions = {
  role: Role;
  project?: string;
  agent?: string;
  verb?: string[];
  subject?: string;
  ttl: number;
  note?: string;
};

async function create(options: CreateOptions, command: Command): Promise<void> {
  const { role, ttl, note } = options;
  checkUse(options);
  const output = outputOf(command);
  const session = await openSession();
  const keys = await readKeys(session.dataDir);
  if (!keys)
    throw new SlipwayError({
      code: "setup",
      message: "There are no keys here.",
      hint: "slipway up makes them.",
    });
  const project = options.project === undefined ? undefined : await getProject(session, options.project);
  const subject = options.subject ?? options.agent ?? role;
  const verbs = options.verb ?? defaultVerbs(role, options.agent ?? "");
  const token = await mintToken(keys, { role, sub: subject, ttlMs: ttl, project: project?.projectId, verbs });
  const { tid, exp } = decodeJwt<{ tid: string }>(token);
  const expiresAt = (exp ?? 0) * 1000;
  await session.http.mutation(api.tokens.registerToken, {
    tokenId: tid,
    role,
    subject,
    project: project?.projectId,
    verbs,
    note,
    expiresAt,
  });
  const until = new Date(expiresAt).toISOString();
  output.say(
    `A token for ${subject}${project ? ` of ${project.slug}` : ""}, good until ${until}. Its id: ${tid}`,
  );
  output.data(
    { tokenId: tid, role, subject, project: project?.slug ?? null, verbs, expiresAt, token },
    () => token,
  );
}

function checkUse({ role, project, agent, verb }: CreateOptions): void {
  if (role === "agent" && project === undefined) {
    throw new WrongUse("An agent's token is for one project.", { hint: "Add --project <project>." });
  }
  if (role !== "agent" && (agent !== undefined || verb !== undefined)) {
    throw new WrongUse("--agent and --verb are for the role agent.");
  }
  if (agent !== undefined && !(AGENT_NAMES as readonly string[]).includes(agent)) {
    throw new WrongUse(`There is no agent "${agent}".`, { allowed: [...AGENT_NAMES] });
  }
  const unknown = verb?.find((one) => !(VERBS as readonly string[]).includes(one));
  if (unknown !== undefined) throw new WrongUse(`There is no verb "${unknown}".`, { allowed: [...VERBS] });
}

async function list({ project }: { project?: string }, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const tokens = await allTokens(session, project);
  const now = Date.now();
  const state = (one: (typeof tokens)[number]) =>
    one.revokedAt !== null
      ? "revoked"
      : one.expiresAt <= now
        ? "ended"
        : `good for ${age(now, one.expiresAt)}`;
  output.data(tokens, () =>
    tokens.length === 0
      ? "There are no tokens. Make one: slipway token create --role viewer"
      : table(
          ["ID", "ROLE", "FOR", "PROJECT", "STATE", "VERBS", "NOTE"],
          tokens.map((one) => [
            one.tokenId,
            one.role,
            one.subject,
            one.project ?? "-",
            state(one),
            one.verbs.join(",") || "-",
            one.note ?? "",
          ]),
        ),
  );
}

async function allTokens(session: Session, project: string | undefined) {
  const tokens = [];
  for (let cursor: string | null = null; ;) {
    const page: Awaited<ReturnType<typeof tokenPage>> = await tokenPage(session, project, cursor);
    tokens.push(...page.page);
    if (page.isDone) return tokens;
    cursor = page.continueCursor;
  }
}

async function tokenPage(session: Session, project: string | undefined, cursor: string | null) {
  return await session.http.query(api.tokens.listTokens, {
    project,
    paginationOpts: { numItems: 100, cursor },
  });
}

async function revoke(tokenId: string, _options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  await session.http.mutation(api.tokens.revokeToken, { tokenId });
  output.say(`${tokenId} is revoked.`);
  output.data({ tokenId }, () => "");
}

async function rotate({ overlap }: { overlap: number }, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const until = Date.now() + overlap;
  const keys = await rotateSigningKey(session.dataDir, until);
  const secrets = selfHosted() ? {} : embeddedSecrets(keys);
  await setVariables(session, keys, { SLIPWAY_JWKS: keys.jwks, ...secrets });
  output.say(
    `Tokens are signed with a new key. Those of the old one end ${new Date(until).toISOString()} at the latest.`,
  );
  output.data({ keyId: keys.privateJwk.kid, oldTokensEndAt: until }, () => keys.privateJwk.kid);
}
