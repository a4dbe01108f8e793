import type { Command } from "commander";
import { dataDirectory } from "../../setup/dataDir.ts";
import { addressesOf, welcome, type Addresses } from "../../supervisor/addresses.ts";
import { superviseDetached, tellStarter } from "../../supervisor/detach.ts";
import { claimPart, releasePart, runningPart } from "../../supervisor/pidFile.ts";
import { age } from "../lib/age.ts";
import { outputOf } from "../lib/context.ts";
import { portOption } from "../lib/options.ts";
import type { Output } from "../lib/output.ts";
import { openSession } from "../lib/session.ts";
import { makeSignInLink } from "../lib/signIn.ts";

export function addUp(program: Command): void {
  program
    .command("up")
    .summary("set up what is missing, start everything")
    .description(
      "Set up what is missing (Docker, images, keys), start backend, worker and gateway, and stay in the foreground.\n" +
        "On the first run the project `hello` is made and started. Ctrl-C stops Slipway; the projects' containers go on.",
    )
    .option("-d, --detach", "return when all runs; `slipway down` stops it")
    .option("--port <port>", "where the gateway listens (default: 8080, or a free one)", portOption)
    .action(up);
}

async function up({ detach, port }: { detach?: boolean; port?: number }, command: Command): Promise<void> {
  const output = outputOf(command);
  const dataDir = dataDirectory();
  const show = async (addresses: Addresses) => {
    const signIn = output.json || !process.stdout.isTTY ? null : await signInLink(dataDir);
    output.data(addresses, () => welcome(addresses, output.style, signIn));
  };

  const running = detach
    ? await runningPart(dataDir, "supervisor")
    : await claimPart(dataDir, "supervisor", process.pid);
  if (running) {
    output.say(
      `Slipway is running already (process ${running.pid}, for ${age(running.startedAt, Date.now())}).` +
        (port === undefined ? "" : " To change its port: slipway down, then slipway up --port."),
    );
    await showIfAnswering(dataDir, show, output);
    return;
  }
  if (detach) {
    await show(await superviseDetached(dataDir, port, (text) => process.stderr.write(text)));
    return;
  }
  const onReady = async (addresses: Addresses) => {
    if (!tellStarter(addresses)) await show(addresses);
  };
  // The set-up's parts are many, and every other command is quicker without them.
  const { supervise } = await import("../../supervisor/supervisor.ts");
  try {
    process.exitCode = await supervise({ dataDir, httpPort: port, output, onReady });
  } finally {
    await releasePart(dataDir, "supervisor");
  }
  // Whatever set-up was interrupted in the middle ends with the process.
  process.exit();
}

/** A supervisor that is still setting up has nothing to show yet. */
async function showIfAnswering(
  dataDir: string,
  show: (addresses: Addresses) => Promise<void>,
  output: Output,
): Promise<void> {
  try {
    await show(await addressesOf(await openSession(dataDir)));
  } catch {
    output.say("It does not answer yet: it is starting, or in trouble. `slipway doctor` shows which.");
  }
}

/** Null where none can be made now: `slipway open` then says why. */
async function signInLink(dataDir: string): Promise<string | null> {
  try {
    return (await makeSignInLink(await openSession(dataDir))).url;
  } catch {
    return null;
  }
}
