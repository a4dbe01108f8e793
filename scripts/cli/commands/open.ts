import { Option, type Command } from "commander";
import { SIGN_IN_TTL_MS } from "../../../core/signInLink.ts";
import { outputOf } from "../lib/context.ts";
import { age } from "../lib/age.ts";
import { WrongUse } from "../lib/fail.ts";
import { hasDisplay, openBrowser } from "../lib/openBrowser.ts";
import { originOption, ttlOption } from "../lib/options.ts";
import { openSession } from "../lib/session.ts";
import { DEFAULT_SIGN_IN_HOURS, makeSignInLink, SIGN_IN_ROLES, type SignInRole } from "../lib/signIn.ts";

export function addOpen(program: Command): void {
  program
    .command("open")
    .summary("open the dashboard, signed in")
    .description(
      "Make a link that signs one browser in to the dashboard, once, within ten minutes; print it, and open it where\n" +
        "there is a display.",
    )
    .addOption(
      new Option("--role <role>", "who signs in: an admin, or with --project a viewer").choices(
        SIGN_IN_ROLES,
      ),
    )
    .option("--project <project>", "a viewer of this one project alone")
    .addOption(
      ttlOption("--ttl <duration>", "how long to stay signed in, like 30m, 8h or 7d", DEFAULT_SIGN_IN_HOURS),
    )
    .option(
      "--at <origin>",
      "where the browser reaches the dashboard, like https://slipway.example.com",
      originOption,
    )
    .option("--print", "only print the link")
    .addHelpText("after", "\nExample:\n  slipway open --project shop --ttl 8h --print")
    .action(open);
}

type OpenOptions = { role?: SignInRole; project?: string; ttl: number; at?: string; print?: boolean };

async function open(options: OpenOptions, command: Command): Promise<void> {
  const { project, ttl, at, print } = options;
  const role = options.role ?? (project === undefined ? "admin" : "viewer");
  if (project !== undefined && role !== "viewer") {
    throw new WrongUse("A person who sees one project alone is a viewer.", { hint: "Leave --role out." });
  }
  const output = outputOf(command);
  const session = await openSession();
  const link = await makeSignInLink(session, { role, project, ttlMs: ttl, origin: at });
  output.data(link, () => link.url);
  const scope = link.project === null ? "" : ` of ${link.project}`;
  output.say(
    `It signs one browser in, once, within ${age(0, SIGN_IN_TTL_MS)}: as ${role}${scope}, for ${age(0, ttl)}. ` +
      `To end that sooner: slipway token revoke ${link.tokenId}`,
  );
  if (print || output.json || !process.stdout.isTTY || !hasDisplay(process.env, process.platform)) return;
  if (!(await openBrowser(session.dataDir, link.url)))
    output.say("No browser could be opened: open the link yourself.");
}
