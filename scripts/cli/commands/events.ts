import type { Command } from "commander";
import { api } from "../../../convex/_generated/api.js";
import { outputOf } from "../lib/context.ts";
import { countOption } from "../lib/options.ts";
import { openSession, type Session } from "../lib/session.ts";
import { getProject, type EventView } from "../lib/views.ts";

export function addEvents(program: Command): void {
  program
    .command("events")
    .summary("what happened, and who did it")
    .description("Print what happened to a project, or to all: who did what, and what the worker saw.")
    .argument("[project]", "slug, namespace or id")
    .option("-f, --follow", "go on with what happens next")
    .option("--tail <n>", "how many of the newest", countOption, 50)
    .action(events);
}

async function events(
  project: string | undefined,
  { follow, tail }: { follow?: boolean; tail: number },
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const namespace = project === undefined ? undefined : (await getProject(session, project)).namespace;
  const args = { project: namespace, paginationOpts: { numItems: tail, cursor: null } };
  const print = (event: EventView) =>
    output.json
      ? process.stdout.write(`${JSON.stringify(event)}\n`)
      : process.stdout.write(`${eventLine(event)}\n`);
  if (follow) {
    await followEvents(session, args, print);
    return;
  }
  const { page } = await session.http.query(api.events.listEvents, args);
  for (const event of page.toReversed()) print(event);
}

type ListArguments = { project?: string; paginationOpts: { numItems: number; cursor: null } };

/** Prints each event once, oldest first, until the process ends. */
async function followEvents(
  session: Session,
  args: ListArguments,
  print: (event: EventView) => void,
): Promise<void> {
  await session.subscribed(async (client) => {
    await new Promise<never>((_resolve, reject) => {
      const printed = new Set<string>();
      client.onUpdate(
        api.events.listEvents,
        args,
        ({ page }) => {
          for (const event of page.toReversed()) {
            if (!printed.has(event.eventId)) print(event);
            printed.add(event.eventId);
          }
        },
        reject,
      );
    });
  });
}

/** `2026-01-05 10:12:33  shop  project.transition  shop went from planning to development.  cli:root: plan agreed` */
function eventLine({ at, project, type, message, actor, reason }: EventView): string {
  const when = new Date(at).toISOString().slice(0, 19).replace("T", " ");
  const who = reason === null ? actor.subject : `${actor.subject}: ${reason}`;
  return [when, project ?? "-", type, message, who].join("  ");
}
