import type { Command } from "commander";
import type { FunctionReturnType } from "convex/server";
import { api } from "../../../convex/_generated/api.js";
import { SlipwayError } from "../../../core/errors.ts";
import { age } from "../lib/age.ts";
import { outputOf } from "../lib/context.ts";
import { countOption } from "../lib/options.ts";
import { table } from "../lib/output.ts";
import { describeRelease, shortSnapshot, styleRelease } from "../lib/releaseText.ts";
import { openSession } from "../lib/session.ts";
import { getProject } from "../lib/views.ts";

export function addRelease(program: Command): void {
  const release = program
    .command("release")
    .summary("list and show releases")
    .description(
      "List and show a project's releases: each is a snapshot of its files with the result of its tests.",
    );
  release
    .command("list")
    .alias("ls")
    .summary("list a project's releases, newest first")
    .description("List a project's releases, newest first.")
    .argument("<project>", "slug, namespace or id")
    .option("--tail <n>", "how many of the newest", countOption, 20)
    .action(list);
  release
    .command("show")
    .summary("show one release with what its tests wrote")
    .description("Show one release, by default the newest, with what its tests wrote.")
    .argument("<project>", "slug, namespace or id")
    .argument("[number]", "of the release", countOption)
    .addHelpText("after", "\nExample:\n  slipway release show shop 3")
    .action(show);
}

async function list(project: string, { tail }: { tail: number }, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const { slug, environments } = await getProject(session, project);
  const { page } = await session.http.query(api.releases.list, {
    project,
    paginationOpts: { numItems: tail, cursor: null },
  });
  const now = Date.now();
  const runs = (number: number) =>
    environments.filter(({ release }) => release === number).map(({ kind }) => kind);
  output.data(page, () =>
    page.length === 0
      ? `${slug} has no release yet. Make one: slipway test ${slug}`
      : table(
          ["RELEASE", "STATE", "SNAPSHOT", "FILES", "AGE", "RUNS IN", "MESSAGE"],
          page.map((release) => [
            String(release.number),
            styleRelease(output.style, release.state),
            shortSnapshot(release),
            release.files === null ? "-" : String(release.files),
            age(release.createdAt, now),
            runs(release.number).join(", ") || "-",
            firstLine(release.message),
          ]),
        ),
  );
}

async function show(
  project: string,
  number: number | undefined,
  _options: object,
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const { slug } = await getProject(session, project);
  const release: FunctionReturnType<typeof api.releases.get> = await session.http.query(api.releases.get, {
    project,
    number,
  });
  if (!release) {
    throw new SlipwayError({
      code: "not_found",
      message: number === undefined ? `${slug} has no release yet.` : `${slug} has no release ${number}.`,
      hint:
        number === undefined
          ? `Make one: slipway test ${slug}`
          : `slipway release list ${slug} shows those that it has.`,
    });
  }
  output.data(release, () => describeRelease(slug, release, Date.now(), output.style));
}

function firstLine(text: string): string {
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}
