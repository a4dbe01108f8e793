import type { Command } from "commander";
import { api } from "../../../convex/_generated/api.js";
import { confirm } from "../lib/confirm.ts";
import { outputOf } from "../lib/context.ts";
import { table } from "../lib/output.ts";
import { openSession } from "../lib/session.ts";
import { getGroup, getProject, listGroups } from "../lib/views.ts";

export function addGroup(program: Command): void {
  const group = program
    .command("group")
    .summary("let projects share a network and databases")
    .description("Make groups: projects that share a network and the group's attachments.");
  group
    .command("create")
    .summary("make a group")
    .description(
      "Make a group, without members. A project joins by `group` in its manifest, or by `group add`.",
    )
    .argument("<name>", "lower-case letters, digits and -")
    .option("--attach <image...>", "what its members share, like postgres:15 or cache=redis:7-alpine")
    .addHelpText(
      "after",
      "\nExample:\n  slipway group create backend --attach postgres:15 cache=redis:7-alpine",
    )
    .action(create);
  group.command("list").alias("ls").description("List the groups.").action(list);
  group.command("show").description("Show a group.").argument("<group>", "its name").action(show);
  group
    .command("delete")
    .alias("rm")
    .summary("remove a group that has no members")
    .description("Remove a group that has no members. Its databases go with it.")
    .argument("<group>", "its name")
    .option("--yes", "do not ask")
    .action(remove);
  group
    .command("add")
    .summary("put a project into a group")
    .description("Put a project, of which nothing is there yet, into a group.")
    .argument("<group>", "its name")
    .argument("<project>", "slug, namespace or id")
    .action(add);
  group
    .command("remove")
    .summary("take a project out of its group")
    .description("Take a project, of which nothing is there any more, out of its group.")
    .argument("<group>", "its name")
    .argument("<project>", "slug, namespace or id")
    .action(takeOut);
}

async function create(name: string, { attach = [] }: { attach?: string[] }, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const attachments = attach.map(attachmentOf);
  const made = await session.http.mutation(api.groups.createGroup, { name, attachments });
  output.say(`Made the group ${made.name}. Next: slipway group add ${made.name} <project>`);
  output.data(made, () => made.name);
}

/** `cache=redis:7-alpine`, or the image alone. */
function attachmentOf(text: string): string | { alias: string; image: string } {
  const equals = text.indexOf("=");
  return equals < 0 ? text : { alias: text.slice(0, equals), image: text.slice(equals + 1) };
}

async function list(_options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const groups = await listGroups(await openSession());
  output.data(groups, () =>
    groups.length === 0
      ? "There are no groups yet. Make one: slipway group create <name>"
      : table(
          ["GROUP", "PROJECTS", "ATTACHMENTS"],
          groups.map(({ name, projects, attachments }) => [
            name,
            projects.join(", ") || "-",
            attachments.map(({ alias }) => alias).join(", ") || "-",
          ]),
        ),
  );
}

async function show(name: string, _options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const group = await getGroup(await openSession(), name);
  output.data(group, () => {
    const facts = [
      ["group", group.name],
      ["namespace", group.namespace],
      ["projects", group.projects.join(", ") || "none"],
    ];
    const attachments = group.attachments.map(({ alias, image }) => [alias, image]);
    const networks = Object.entries(group.desired).map(([kind, desired]) => [
      kind,
      desired,
      group.subnets[kind as keyof typeof group.subnets] ?? "-",
    ]);
    return [
      table(["", ""], facts).trimStart(),
      ...(attachments.length > 0 ? [table(["ATTACHMENT", "IMAGE"], attachments)] : []),
      table(["ENVIRONMENT", "WANTED", "NETWORK"], networks),
    ].join("\n\n");
  });
}

async function remove(name: string, { yes }: { yes?: boolean }, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const group = await getGroup(session, name);
  if (!yes)
    await confirm(`This removes the group ${group.name} and its databases. There is no way back.`, name);
  await session.http.mutation(api.groups.deleteGroup, { group: name });
  output.say(`The group ${name} is gone.`);
  output.data({ group: name }, () => "");
}

async function add(group: string, project: string, _options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const { projectId, slug } = await getProject(session, project);
  await session.http.mutation(api.groups.setGroup, { project: projectId, group });
  output.say(`${slug} is in the group ${group}.`);
  output.data({ group, project: slug }, () => "");
}

async function takeOut(group: string, project: string, _options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const view = await getProject(session, project);
  if (view.group !== group) {
    output.say(`${view.slug} is not in the group ${group}.`);
  } else {
    await session.http.mutation(api.groups.setGroup, { project: view.projectId, group: null });
    output.say(`${view.slug} left the group ${group}.`);
  }
  output.data({ group, project: view.slug }, () => "");
}
