import { createReadStream, createWriteStream } from "node:fs";
import { lstat, stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { InvalidArgumentError, Option, type Command } from "commander";
import { workspacePath } from "../../../core/workspacePath.ts";
import type { EnvironmentKind } from "../../../core/lifecycle.ts";
import { outputOf } from "../lib/context.ts";
import { DoorClient, type RemoteEntry } from "../lib/doorClient.ts";
import { explain, failureLine, WrongUse } from "../lib/fail.ts";
import { follow, syncOnce, type SyncDone } from "../lib/files/syncFolder.ts";
import { unpackTo } from "../lib/files/unpackTo.ts";
import { environmentArgument } from "../lib/options.ts";
import { table } from "../lib/output.ts";
import { openSession } from "../lib/session.ts";

type InEnvironment = { env: EnvironmentKind };

const PATH = "a path in the workspace, like src/server.js";

export function addFiles(program: Command): void {
  const files = program
    .command("files")
    .summary("list, read, write and sync a project's files")
    .description(
      "List, read, write and sync the files in a project's workspace. They can be reached while the project is paused, too.",
    )
    .addHelpText(
      "after",
      "\nExamples:\n  slipway files ls shop src\n  slipway files put shop server.js\n  slipway files sync shop ./app --watch",
    );
  const add = (name: string, about: string) =>
    files
      .command(name)
      .description(about)
      .argument("<project>", "slug, namespace or id")
      .addOption(environmentOption());
  add("ls", "List a folder of the workspace.")
    .alias("list")
    .argument("[path]", PATH, ".")
    .option("-r, --recursive", "with all that is below")
    .action(list);
  add("cat", "Print a file of the workspace.").argument("<path>", PATH).action(cat);
  add("put", "Write one file into the workspace.")
    .argument("<file>", "a file here; - reads standard input")
    .argument("[path]", `${PATH}; by default the file's own name`)
    .option("--mode <mode>", "permissions, like 755; by default those of the file here", modeOption)
    .action(put);
  add("get", "Copy a file or a folder out of the workspace.")
    .argument("<path>", PATH)
    .argument("[to]", "where to, here; by default its own name")
    .option("--force", "overwrite a file that is there")
    .action(get);
  add("rm", "Remove files and folders from the workspace.").argument("<path...>", PATH).action(remove);
  add("sync", "Make the workspace hold what a folder here holds. One way: from here into the workspace.")
    .argument("<folder>", "a folder here; .gitignore and .slipwayignore say what stays out")
    .argument("[path]", "the workspace's folder that it goes into", ".")
    .option("--delete", "remove what is not here (never what the ignore files leave out)")
    .option("--watch", "go on, and follow changes")
    .action(sync);
}

export function environmentOption(): Option {
  return new Option("--env <env>", "dev, test or deploy").argParser(environmentArgument).default("dev");
}

async function connect(project: string, { env }: InEnvironment): Promise<DoorClient> {
  return await DoorClient.open(await openSession(), project, env);
}

async function list(
  project: string,
  path: string,
  options: InEnvironment & { recursive?: boolean },
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  const door = await connect(project, options);
  const entries = await door.list(path, options.recursive === true);
  output.data(entries, () =>
    entries.length === 0 ? "" : table(["MODE", "BYTES", "CHANGED", "NAME"], entries.map(row)),
  );
}

const LETTERS = { file: "-", folder: "d", link: "l", other: "?" };

function row({ path, kind, bytes, mode, modifiedMs, target }: RemoteEntry): string[] {
  const bits = [...mode.toString(2).padStart(9, "0").slice(-9)];
  const permissions = bits.map((bit, index) => (bit === "1" ? "rwx"[index % 3] : "-")).join("");
  // A name may hold what a terminal would obey.
  const name = /[\u0000-\u001f\u007f-\u009f]/.test(path) ? JSON.stringify(path) : path;
  const shown = `${name}${kind === "folder" ? "/" : ""}${target === undefined ? "" : ` -> ${target}`}`;
  const changed = new Date(modifiedMs).toISOString().slice(0, 16).replace("T", " ");
  return [LETTERS[kind] + permissions, kind === "folder" ? "-" : String(bytes), changed, shown];
}

async function cat(project: string, path: string, options: InEnvironment): Promise<void> {
  const found = await (await connect(project, options)).look(path);
  if (found.kind === "folder") {
    throw new WrongUse(`${path} is a folder.`, {
      hint: "slipway files ls lists it, slipway files get copies it.",
    });
  }
  await pipeline(found.content, process.stdout, { end: false });
}

async function put(
  project: string,
  file: string,
  path: string | undefined,
  { mode, ...options }: InEnvironment & { mode?: number },
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  const piped = file === "-";
  if (piped && path === undefined)
    throw new WrongUse("Say where standard input goes: slipway files put <project> - <path>.");
  const to = workspacePath(path ?? basename(file));
  const found = piped ? null : await stat(file).catch(() => null);
  if (!piped && !found?.isFile()) {
    throw new WrongUse(`${file} is no file here.`, { hint: "slipway files sync copies folders." });
  }
  const door = await connect(project, options);
  const own = found === null ? null : found.mode & 0o111 ? 0o755 : 0o644;
  const bytes = await door.write(to, piped ? process.stdin : createReadStream(file), mode ?? own);
  output.say(`${to}: ${bytes} bytes written.`);
  output.data({ path: to, bytes }, () => "");
}

async function get(
  project: string,
  path: string,
  to: string | undefined,
  { force, ...options }: InEnvironment & { force?: boolean },
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  const door = await connect(project, options);
  const local = resolve(to ?? (workspacePath(path) === "." ? door.slug : basename(path)));
  const found = await door.look(path);
  if (found.kind === "folder") {
    const { files, leftOut } = await unpackTo(local, await door.pack(path));
    for (const link of leftOut) output.say(`${link}: a link that leads out of the folder was left out.`);
    output.say(`${local}: ${files} files.`);
    output.data({ path: local, files, leftOut }, () => "");
    return;
  }
  if (!force && (await lstat(local).catch(() => null))) {
    found.content.destroy();
    throw new WrongUse(`${local} is there already.`, { hint: "Name another one, or add --force." });
  }
  await pipeline(found.content, createWriteStream(local, { mode: found.mode & 0o111 ? 0o755 : 0o644 }));
  output.say(`${local} is written.`);
  output.data({ path: local, files: 1, leftOut: [] }, () => "");
}

async function remove(
  project: string,
  paths: string[],
  options: InEnvironment,
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  const safe = paths.map(workspacePath);
  await (await connect(project, options)).remove(safe);
  output.say(`${safe.join(", ")}: removed.`);
  output.data({ removed: safe }, () => "");
}

async function sync(
  project: string,
  folder: string,
  path: string,
  {
    delete: removeOthers = false,
    watch = false,
    ...options
  }: InEnvironment & { delete?: boolean; watch?: boolean },
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  const into = workspacePath(path);
  const root = resolve(folder);
  const door = await connect(project, options);
  const say = (done: SyncDone) => {
    const counts = `${done.uploaded.length} sent, ${done.removed.length} removed, ${done.unchanged} as they were`;
    output.say(`${root} → ${door.slug} ${options.env} ${into}: ${counts}.`);
    output.data({ ...done, at: new Date().toISOString() }, () => "");
  };
  const { done, listing } = await syncOnce(door, root, into, removeOthers);
  for (const { path: skipped, why } of listing.skipped) output.say(`${skipped} is left out: ${why}.`);
  say(done);
  if (!watch) return;
  output.say("Following changes, from here into the workspace; Ctrl-C ends it.");
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ending.abort());
  await follow(() => connect(project, options), root, into, {
    ...{ removeOthers, before: listing, signal: ending.signal, onDone: say },
    onError: (error) => output.say(`Not sent; it is tried again: ${failureLine(explain(error).data)}`),
  });
}

function modeOption(text: string): number {
  if (!/^0?[0-7]{3}$/.test(text)) throw new InvalidArgumentError("Say permissions, like 644 or 755.");
  return parseInt(text, 8);
}
