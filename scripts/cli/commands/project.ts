import { InvalidArgumentError, type Command } from "commander";
import { api } from "../../../convex/_generated/api.js";
import { addProjectSource, findSource, upload, warnOfPlainHttp } from "./projectSource.ts";
import { age } from "../lib/age.ts";
import { confirm } from "../lib/confirm.ts";
import { outputOf } from "../lib/context.ts";
import { WrongUse } from "../lib/fail.ts";
import { readManifestFile } from "../lib/manifestFile.ts";
import { waitTimeout } from "../lib/options.ts";
import { table } from "../lib/output.ts";
import { describeProject } from "../lib/projectText.ts";
import { openSession } from "../lib/session.ts";
import { waitUntilSettled } from "../lib/settle.ts";
import { getProject, listProjects } from "../lib/views.ts";

export function addProject(program: Command): void {
  const project = program
    .command("project")
    .summary("create, list, show and delete projects")
    .description("Create, list, show and delete projects.");
  project
    .command("create")
    .summary("create a project")
    .description("Create a project; it starts in the status `created`, with nothing running.")
    .argument("[name]", "its name; with --file the manifest's own name is the default")
    .option("--stack <stack>", "node, python, react, static …: the stack whose starter it begins with")
    .option("--file <path>", "a manifest, slipway.yml")
    .addHelpText("after", "\nExample:\n  slipway project create shop --stack react")
    .action(create);
  addProjectSource(project);
  project
    .command("list")
    .alias("ls")
    .summary("list the projects")
    .description("List the projects.")
    .action(list);
  project
    .command("show")
    .summary("show all about one project")
    .description("Show all about one project.")
    .argument("<project>", "slug, namespace or id")
    .action(show);
  project
    .command("update")
    .summary("put another manifest in place of a project's")
    .description(
      "Put another manifest in place of a project's. What it concerns is made so; the rest goes on as it is. Its name stays.",
    )
    .argument("<project>", "slug, namespace or id")
    .requiredOption("--file <path>", "a manifest, slipway.yml")
    .option("--revision <number>", "only where the manifest is still at this revision", wholeNumber)
    .option("--wait", "wait until everything is so")
    .addOption(waitTimeout())
    .action(update);
  project
    .command("delete")
    .alias("rm")
    .summary("delete a project and all that it has")
    .description("Delete a project with its containers, networks, volumes and data.")
    .argument("<project>", "slug, namespace or id")
    .option("--yes", "do not ask")
    .option("--wait", "wait until nothing of it is left")
    .addOption(waitTimeout())
    .option("--reason <text>", "why, for the audit log")
    .action(remove);
}

async function create(
  name: string | undefined,
  { stack, file }: { stack?: string; file?: string },
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  if (stack !== undefined && file !== undefined) {
    throw new WrongUse("--stack and --file exclude each other: the manifest names its stack.");
  }
  const manifest = file === undefined ? undefined : await readManifestFile(file);
  const named = name ?? nameIn(manifest);
  if (named === undefined) throw new WrongUse("A project needs a name: slipway project create <name>.");
  const source = file === undefined ? null : await findSource(manifest, file);
  const session = await openSession();
  const created = await session.http.mutation(api.projects.createProject, {
    name: named,
    stack,
    manifest,
  });
  warnOfPlainHttp(manifest, output);
  if (source) await upload(session, created.slug, source.folder, output, source.listing);
  output.say(
    `Created ${created.slug} (${created.namespace}). Next: slipway transition ${created.slug} planning`,
  );
  output.data(created, () => created.slug);
}

async function update(
  project: string,
  options: { file: string; revision?: number; wait?: boolean; timeout: number },
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  const manifest = await readManifestFile(options.file);
  const session = await openSession();
  const view = await getProject(session, project);
  const updated = await session.http.mutation(api.projects.updateManifest, {
    project: view.projectId,
    manifest,
    expectedRevision: options.revision,
  });
  const { revision, changed, environments } = updated;
  if (changed.length === 0) output.say(`${view.slug} is as the file says already.`);
  else output.say(`${view.slug} is at revision ${revision}: ${changed.join(", ")}.`);
  if (options.wait && environments.length > 0) {
    const progress = output.progress();
    try {
      await waitUntilSettled(session, view.projectId, {
        timeoutMs: options.timeout,
        progress,
        name: view.slug,
      });
    } finally {
      progress.close();
    }
  }
  output.data(updated, () => "");
}

function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("It is a whole number.");
  return Number(text);
}

async function list(_options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const projects = await listProjects(session);
  const now = Date.now();
  output.data(projects, () =>
    projects.length === 0
      ? "There are no projects yet. Create one: slipway project create <name> --stack node"
      : table(
          ["PROJECT", "STATUS", "STACK", "ENVIRONMENTS", "AGE", "NAMESPACE"],
          projects.map(({ slug, status, stack, environments, createdAt, namespace }) => [
            slug,
            status,
            stack ?? "-",
            environments
              .filter(({ desired, phase }) => desired !== "absent" || phase !== "absent")
              .map(({ kind, phase }) => `${kind} ${phase}`)
              .join(", ") || "-",
            age(createdAt, now),
            namespace,
          ]),
        ),
  );
}

async function show(project: string, _options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const view = await getProject(session, project);
  output.data(view, () => describeProject(session.instance, view, Date.now(), output.style));
}

async function remove(
  project: string,
  options: { yes?: boolean; wait?: boolean; timeout: number; reason?: string },
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const view = await getProject(session, project);
  if (!options.yes) {
    await confirm(
      `This removes ${view.slug} (${view.status}) with all its containers, networks and volumes. There is no way back.`,
      view.slug,
    );
  }
  const deleted = await session.http.mutation(api.projects.deleteProject, {
    project: view.projectId,
    reason: options.reason,
  });
  if (options.wait) {
    const progress = output.progress();
    try {
      await waitUntilSettled(session, view.projectId, {
        timeoutMs: options.timeout,
        progress,
        name: view.slug,
        untilGone: true,
      });
    } finally {
      progress.close();
    }
    output.say(`${view.slug} is gone.`);
  } else {
    output.say(`${view.slug} is being deleted.`);
  }
  output.data(deleted, () => "");
}

function nameIn(manifest: unknown): string | undefined {
  if (manifest === null || typeof manifest !== "object" || !("name" in manifest)) return undefined;
  return typeof manifest.name === "string" ? manifest.name : undefined;
}
