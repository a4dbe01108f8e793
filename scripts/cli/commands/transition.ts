import type { Command } from "commander";
import { api } from "../../../convex/_generated/api.js";
import { isStatus, STATUSES } from "../../../core/lifecycle.ts";
import { lifecycleLines } from "../../../core/lifecycleText.ts";
import { outputOf } from "../lib/context.ts";
import { WrongUse } from "../lib/fail.ts";
import { waitTimeout } from "../lib/options.ts";
import { openSession, type Session } from "../lib/session.ts";
import { waitUntilSettled } from "../lib/settle.ts";
import { suggest } from "../lib/suggest.ts";
import { testWaitMs } from "../lib/testWait.ts";
import { servedUrls } from "../lib/urls.ts";
import { getProject } from "../lib/views.ts";

type Options = {
  wait?: boolean;
  timeout: number;
  reason?: string;
  requestId?: string;
  from?: string;
  override?: boolean;
};

export function addTransition(program: Command): void {
  program
    .command("transition")
    .summary("move a project to another status")
    .description(`Move a project to another status: ${STATUSES.join(", ")}.`)
    .argument("<project>", "slug, namespace or id")
    .argument("<status>", "where to")
    .option("--wait", "wait until its environments are as the status asks")
    .addOption(waitTimeout())
    .option("--reason <text>", "why, for the audit log")
    .option("--request-id <id>", "the same id again changes nothing again")
    .option("--from <status>", "only if it is in this status now")
    .option("--override", "pass a guard, as an admin, with a --reason")
    .addHelpText(
      "after",
      `\nMoves (a paused project returns only to where it came from):\n${lifecycleLines()}`,
    )
    .addHelpText("after", "\nExample:\n  slipway transition shop development --wait --reason 'plan agreed'")
    .action(transition);
}

async function transition(project: string, to: string, options: Options, command: Command): Promise<void> {
  for (const status of [to, options.from]) if (status !== undefined) checkStatus(status);
  const output = outputOf(command);
  const session = await openSession();
  const moved = await session.http.mutation(api.projects.updateProjectStatus, {
    project,
    to,
    expectedFrom: options.from,
    reason: options.reason,
    requestId: options.requestId,
    override: options.override,
  });
  output.say(
    moved.changed ? `${project}: ${moved.from} → ${moved.to}` : `${project} is in ${moved.to} already.`,
  );
  if (!options.wait) {
    output.data(moved, () => "");
    return;
  }
  const progress = output.progress();
  try {
    const timeoutMs = await waitMs(session, project, to, options.timeout, command);
    const view = await waitUntilSettled(session, project, { timeoutMs, progress });
    output.data({ ...moved, project: view }, () => servedUrls(session.instance, view).join("\n"));
  } finally {
    progress.close();
  }
}

/** Tests have a time limit of their own, which goes before the usual wait. */
async function waitMs(
  session: Session,
  project: string,
  to: string,
  timeoutMs: number,
  command: Command,
): Promise<number> {
  if (to !== "testing" || command.getOptionValueSource("timeout") !== "default") return timeoutMs;
  return testWaitMs(await getProject(session, project));
}

function checkStatus(status: string): void {
  if (isStatus(status)) return;
  const near = suggest(status, STATUSES);
  throw new WrongUse(`There is no status "${status}".`, {
    allowed: [...STATUSES],
    hint: near ? `Did you mean ${near}?` : undefined,
  });
}
