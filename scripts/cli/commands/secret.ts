import { text as readAll } from "node:stream/consumers";
import type { Command } from "commander";
import { api } from "../../../convex/_generated/api.js";
import { RESERVED_VARIABLE, VARIABLE_NAME } from "../../../core/manifest.ts";
import { sealSecret } from "../../../core/sealing.ts";
import { age } from "../lib/age.ts";
import { outputOf } from "../lib/context.ts";
import { WrongUse } from "../lib/fail.ts";
import { askSecret } from "../lib/askSecret.ts";
import { table } from "../lib/output.ts";
import { openSession } from "../lib/session.ts";
import { getProject } from "../lib/views.ts";

/** What one variable of a process may reasonably hold. */
const MAX_SECRET_BYTES = 64 * 1024;

export function addSecret(program: Command): void {
  const secret = program.command("secret").description("Set, list and remove a project's secrets.");
  secret
    .command("set")
    .summary("set a secret")
    .description(
      "Set a secret: a variable of the project's services. It is read from the terminal or from stdin, sealed here, " +
        "and opened by the worker alone.",
    )
    .argument("<project>", "slug, namespace or id")
    .argument("<name>", "the variable's name, like API_KEY")
    .addHelpText(
      "after",
      "\nExamples:\n  slipway secret set shop API_KEY\n  slipway secret set shop API_KEY < key.txt",
    )
    .action(set);
  secret
    .command("list")
    .alias("ls")
    .description("List the names of a project's secrets.")
    .argument("<project>", "slug, namespace or id")
    .action(list);
  secret
    .command("remove")
    .alias("rm")
    .description("Remove a secret.")
    .argument("<project>", "slug, namespace or id")
    .argument("<name>", "the variable's name")
    .action(remove);
}

async function set(project: string, name: string, _options: object, command: Command): Promise<void> {
  if (!VARIABLE_NAME.test(name) || RESERVED_VARIABLE.test(name)) {
    throw new WrongUse(`"${name}" cannot be a secret's name.`, {
      hint: "Use letters, digits and _, and no name that Slipway sets itself.",
    });
  }
  const output = outputOf(command);
  const session = await openSession();
  const { namespace, slug } = await getProject(session, project);
  const value = process.stdin.isTTY ? await askSecret(`${name} of ${slug}: `) : await piped();
  if (Buffer.byteLength(value) > MAX_SECRET_BYTES) throw new WrongUse("A secret has at most 64 KiB.");
  const key = await session.http.query(api.secrets.sealingKey, {});
  const sealed = await sealSecret(key, { namespace, name }, value);
  await session.http.mutation(api.secrets.setSecret, { project: namespace, name, sealed });
  output.say(`${name} of ${slug} is set. What runs of it restarts with it.`);
  output.data({ project: slug, name }, () => "");
}

/** All of stdin, without the one line break that `echo` and editors end a file with. */
async function piped(): Promise<string> {
  return (await readAll(process.stdin)).replace(/\r?\n$/, "");
}

async function list(project: string, _options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const secrets = await session.http.query(api.secrets.listSecrets, { project });
  const now = Date.now();
  output.data(secrets, () =>
    secrets.length === 0
      ? `There are no secrets yet. Set one: slipway secret set ${project} API_KEY`
      : table(
          ["NAME", "SET", "BY"],
          secrets.map(({ name, setAt, setBy }) => [name, `${age(setAt, now)} ago`, setBy]),
        ),
  );
}

async function remove(project: string, name: string, _options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  await session.http.mutation(api.secrets.removeSecret, { project, name });
  output.say(`${name} is removed.`);
  output.data({ project, name }, () => "");
}
