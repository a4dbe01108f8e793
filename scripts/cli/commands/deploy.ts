import { InvalidArgumentError, type Command } from "commander";
import { api } from "../../../convex/_generated/api.js";
import { age } from "../lib/age.ts";
import { outputOf } from "../lib/context.ts";
import { deployLine, waitForDeploy } from "../lib/deploys.ts";
import { WrongUse } from "../lib/fail.ts";
import { countOption, waitTimeout } from "../lib/options.ts";
import { table } from "../lib/output.ts";
import { openSession, type Session } from "../lib/session.ts";
import { getProject } from "../lib/views.ts";

type Waiting = { wait?: boolean; timeout: number };
type Options = Waiting & { release?: number; canary?: number; promote?: boolean; abort?: boolean };
type Answer = { deploy: number; release: number; changed: boolean };

export function addDeploy(program: Command): void {
  program
    .command("deploy")
    .summary("bring a release to where a project serves its users")
    .description(
      "Bring a release to where a project serves its users, without losing a request: new containers beside the " +
        "old ones, a switch once all of them answer, back by itself where it goes wrong.",
    )
    .argument("<project>", "slug, namespace or id")
    .option("--release <n>", "which one; default the newest whose tests have passed", countOption)
    .option("--canary <percent>", "only so many percent of the requests go to it", percentOption)
    .option("--promote", "the canary becomes what serves")
    .option("--abort", "take the canary back")
    .option("--wait", "wait until it is live or has failed, and show its receipt")
    .addOption(waitTimeout())
    .addHelpText("after", "\nExamples:\n  slipway deploy shop --wait\n  slipway deploy shop --canary 10")
    .action(deploy);
  program
    .command("rollback")
    .summary("go back to an earlier release")
    .description("Go back to an earlier release, by default the one that was live before.")
    .argument("<project>", "slug, namespace or id")
    .argument("[release]", "its number", countOption)
    .option("--wait", "wait until it is live or has failed, and show its receipt")
    .addOption(waitTimeout())
    .action(rollback);
  program
    .command("deploys")
    .summary("list a project's deploys, newest first, with their receipts")
    .description("List a project's deploys, newest first, with their receipts.")
    .argument("<project>", "slug, namespace or id")
    .option("--tail <n>", "how many of the newest", countOption, 20)
    .action(list);
  program
    .command("scale")
    .summary("run more or fewer replicas of a deployed service")
    .description("Run so many replicas of a deployed service; `manifest`: as many as its manifest says.")
    .argument("<project>", "slug, namespace or id")
    .argument("<service>", "its name in the manifest")
    .argument("<replicas>", "1 to 16, or manifest")
    .addHelpText("after", "\nExample:\n  slipway scale shop web 3")
    .action(scale);
}

function percentOption(text: string): number {
  const percent = Number(text);
  if (/^\d{1,2}$/.test(text) && percent >= 1) return percent;
  throw new InvalidArgumentError("Say 1 to 99 percent.");
}

async function deploy(project: string, options: Options, command: Command): Promise<void> {
  const { release, canary, promote, abort } = options;
  const ways = [canary !== undefined, promote, abort].filter(Boolean).length;
  if (ways > 1) throw new WrongUse("--canary, --promote and --abort exclude each other.");
  if (release !== undefined && (promote || abort)) {
    throw new WrongUse("--promote and --abort are about the canary that there is: leave --release out.");
  }
  const session = await openSession();
  if (promote) {
    const answer = await session.http.mutation(api.releases.promote, { project });
    await tell(session, project, answer, options, command);
    return;
  }
  if (abort) {
    const answer = await session.http.mutation(api.releases.abort, { project });
    const output = outputOf(command);
    output.say(`${project}: the canary of release ${answer.release} is taken back.`);
    output.data(answer, () => "");
    return;
  }
  const answer = await session.http.mutation(api.releases.deploy, { project, release, canary });
  // A canary is not over by itself: there is nothing to wait for.
  const wait = canary === undefined && options.wait;
  await tell(session, project, answer, { ...options, wait }, command);
}

async function rollback(
  project: string,
  release: number | undefined,
  options: Waiting,
  command: Command,
): Promise<void> {
  const session = await openSession();
  const answer = await session.http.mutation(api.releases.rollback, { project, release });
  await tell(session, project, answer, options, command);
}

async function tell(
  session: Session,
  project: string,
  answer: Answer,
  { wait, timeout }: Waiting,
  command: Command,
): Promise<void> {
  const output = outputOf(command);
  output.say(
    answer.changed
      ? `${project}: release ${answer.release} is being deployed (deploy ${answer.deploy})`
      : `${project}: release ${answer.release} is deployed already, or on its way.`,
  );
  if (!wait || answer.deploy === 0) {
    output.data(answer, () => "");
    return;
  }
  const progress = output.progress();
  try {
    const over = await waitForDeploy(session, project, answer.deploy, { timeoutMs: timeout, progress });
    output.data(over, () => deployLine(project, over));
  } finally {
    progress.close();
  }
}

async function list(project: string, { tail }: { tail: number }, command: Command): Promise<void> {
  const output = outputOf(command);
  const session = await openSession();
  const { slug } = await getProject(session, project);
  const { page } = await session.http.query(api.releases.listDeploys, {
    project,
    paginationOpts: { numItems: tail, cursor: null },
  });
  const now = Date.now();
  output.data(page, () =>
    page.length === 0
      ? `${slug} was never deployed. slipway transition ${slug} deployment deploys it.`
      : table(
          ["DEPLOY", "KIND", "RELEASE", "STATE", "AGE", "RECEIPT"],
          page.map((row) => [
            String(row.number),
            row.percent === null ? row.kind : `${row.kind} ${row.percent} %`,
            String(row.release),
            row.state,
            age(row.startedAt, now),
            deployLine(slug, row).split(": ").slice(1).join(": ").split("\n")[0]!.slice(0, 120),
          ]),
        ),
  );
}

async function scale(
  project: string,
  service: string,
  text: string,
  _: object,
  command: Command,
): Promise<void> {
  if (text !== "manifest" && !/^\d{1,2}$/.test(text)) {
    throw new WrongUse(`"${text}" is no number of replicas.`, { hint: "Say 1 to 16, or manifest." });
  }
  const output = outputOf(command);
  const session = await openSession();
  const replicas = text === "manifest" ? null : Number(text);
  const answer = await session.http.mutation(api.releases.scale, { project, service, replicas });
  output.say(
    answer.changed
      ? `${project} ${service}: ${replicas ?? "as many replicas as its manifest says"}`
      : `${project} ${service} has that many already.`,
  );
  output.data(answer, () => "");
}
