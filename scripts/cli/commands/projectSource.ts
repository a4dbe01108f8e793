import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { isFolder, isRefusal, parseSource } from "../../../core/source.ts";
import { listFolder, type FolderListing } from "../../../worker/sources/listFolder.ts";
import { outputOf } from "../lib/context.ts";
import type { Output } from "../lib/output.ts";
import { openSession, type Session } from "../lib/session.ts";
import { uploadSource, type Uploaded } from "../lib/uploadSource.ts";
import { getProject } from "../lib/views.ts";

export function addProjectSource(project: Command): void {
  project
    .command("source")
    .summary("upload the folder that a project begins with")
    .description(
      "Upload the folder that a project's dev environment begins with, where its manifest's source is one and it has " +
        "not arrived. Later changes go by slipway files sync.",
    )
    .argument("<project>", "slug, namespace or id")
    .argument("<folder>", "its files; .gitignore and .slipwayignore say what stays out")
    .action(source);
}

async function source(project: string, folder: string, _options: object, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const { slug } = await getProject(session, project);
  const done = await upload(session, slug, resolve(folder), output);
  output.data(done, () => "");
}

/** What a manifest names as its source, looked at before a project is made that could not have it. */
export type FoundSource = { folder: string; listing: FolderListing };

/** @returns null where the manifest of the file `file` names no folder */
export async function findSource(manifest: unknown, file: string): Promise<FoundSource | null> {
  const text = sourceIn(manifest);
  if (text === undefined || !isFolder(text)) return null;
  const folder = resolve(dirname(file), text);
  return { folder, listing: await listFolder(folder, { obeyRules: true }) };
}

export async function upload(
  session: Session,
  slug: string,
  folder: string,
  output: Output,
  listing?: FolderListing,
): Promise<Uploaded> {
  const progress = output.progress();
  const step = progress.step(`Uploading ${folder}`);
  try {
    const done = await uploadSource(session, slug, folder, listing);
    step.done();
    for (const { path, why } of done.skipped) output.say(`${path} is left out: ${why}.`);
    return done;
  } finally {
    step.drop();
    progress.close();
  }
}

/** Said of a source that anybody on the way can read and change. */
export function warnOfPlainHttp(manifest: unknown, output: Output): void {
  const found = parseSource(sourceIn(manifest) ?? ".");
  if (!isRefusal(found) && found.kind === "git" && found.scheme === "http") {
    output.say("The source comes over http: anybody on the way can read and change it.");
  }
}

function sourceIn(manifest: unknown): string | undefined {
  if (manifest === null || typeof manifest !== "object" || !("source" in manifest)) return undefined;
  return typeof manifest.source === "string" ? manifest.source : undefined;
}
