import type { Command } from "commander";
import { api } from "../../../convex/_generated/api.js";
import { SlipwayError } from "../../../core/errors.ts";
import { outputOf } from "../lib/context.ts";
import { waitTimeout } from "../lib/options.ts";
import { openSession, type Session } from "../lib/session.ts";
import { waitUntilSettled } from "../lib/settle.ts";
import { testWaitMs } from "../lib/testWait.ts";
import { getProject, type ProjectView } from "../lib/views.ts";

type Options = { wait: boolean; timeout?: number; reason?: string };

export function addTest(program: Command): void {
  program
    .command("test")
    .summary("test what dev holds now, as a new release")
    .description(
      "Move a project to testing: a snapshot of its dev workspace becomes the next release, and its tests run. " +
        "Prints what they wrote; exit code 0 when they passed, 1 when not.",
    )
    .argument("<project>", "slug, namespace or id")
    .option("--wait", "wait for the result (the default)", true)
    .option("--no-wait", "only start the tests")
    .addOption(waitTimeout().default(undefined, "the tests' own time limit, and 5m"))
    .option("--reason <text>", "why, for the audit log")
    .addHelpText("after", "\nExample:\n  slipway test shop && slipway transition shop deployment --wait")
    .action(test);
}

async function test(project: string, options: Options, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const before = await getProject(session, project);
  await startTests(session, before, options.reason);
  const started = await getProject(session, project);
  const { slug } = started;
  const number = started.release!.number;
  output.say(`${slug}: testing release ${number}`);
  if (!options.wait) {
    output.data(started.release, () => "");
    return;
  }
  const problem = await waitForTests(session, started, options, output.progress());
  const release = await session.http.query(api.releases.get, { project, number });
  if (release?.state !== "passed" && release?.state !== "failed") {
    throw problem ?? new Error(`The release ${number} of ${slug} has no result.`);
  }
  output.data(release, () => release.output);
  if (release.state === "passed") {
    output.say(`${slug} release ${number}: ${release.message}.`);
    return;
  }
  throw new SlipwayError({
    code: "guard_failed",
    message: `${slug} release ${number}: ${release.message.split(" Its last lines: ")[0]}`,
    hint: `Put that right in dev and test again: slipway test ${slug}.`,
  });
}

/** A project that is being tested is tested anew: what dev holds by now is another release. */
async function startTests(session: Session, { slug, status }: ProjectView, reason?: string): Promise<void> {
  const move = async (to: string) =>
    await session.http.mutation(api.projects.updateProjectStatus, { project: slug, to, reason });
  if (status === "testing") await move("development");
  await move("testing");
}

/** @returns what went wrong; tests that fail are one such thing, and told of by their release */
async function waitForTests(
  session: Session,
  view: ProjectView,
  { timeout }: Options,
  progress: ReturnType<ReturnType<typeof outputOf>["progress"]>,
): Promise<unknown> {
  try {
    await waitUntilSettled(session, view.slug, { timeoutMs: timeout ?? testWaitMs(view), progress });
    return null;
  } catch (error) {
    return error;
  } finally {
    progress.close();
  }
}
