import type { Command } from "commander";
import { dataDirectory } from "../../setup/dataDir.ts";
import { readInstance } from "../../setup/instance.ts";
import { connectEngine } from "../../supervisor/engine.ts";
import { ownedContainers, stopContainers } from "../../supervisor/owned.ts";
import { stopEverything } from "../../supervisor/stopProcess.ts";
import { track } from "../../progress/progress.mjs";
import { confirm } from "../lib/confirm.ts";
import { outputOf } from "../lib/context.ts";
import { WrongUse } from "../lib/fail.ts";

type Options = { purge?: boolean; yes?: boolean; keepImages?: boolean };

export function addDown(program: Command): void {
  program
    .command("down")
    .summary("stop everything; with --purge remove everything")
    .description(
      "Stop Slipway and every container that it made. Data stays; `slipway up` starts all of it again.",
    )
    .option("--purge", "remove everything that Slipway made: containers, networks, volumes, images, data")
    .option("--keep-images", "with --purge: leave the slipway/* images, which take minutes to build")
    .option("--yes", "do not ask")
    .action(down);
}

async function down(options: Options, command: Command): Promise<void> {
  if (!options.purge && options.keepImages) throw new WrongUse("--keep-images goes with --purge.");
  const output = outputOf(command);
  const dataDir = dataDirectory();
  const instance = await readInstance(dataDir);
  if (!instance) {
    output.say(`There is nothing of Slipway's in ${dataDir}.`);
    return;
  }
  const { purge, purgePlan } = await import("../../supervisor/purge.ts");
  const docker = await connectEngine();
  if (options.purge && !options.yes) {
    await confirm(
      await purgePlan(docker, dataDir, instance, options.keepImages === true),
      instance.instanceId,
    );
  }
  const progress = output.progress();
  try {
    const stopping = progress.step("Stopping Slipway");
    const stopped = await stopEverything(dataDir);
    if (stopped.length > 0) stopping.done();
    else stopping.drop();
    const containers = await ownedContainers(docker, instance.instanceId);
    const count = containers.filter(({ state }) => state === "running").length;
    if (options.purge) {
      await purge(docker, dataDir, instance, { keepImages: options.keepImages === true, progress });
    } else if (count > 0) {
      await track(progress, `Stopping ${count} container${count === 1 ? "" : "s"}`, async (step) => {
        await stopContainers(docker, containers, (done) => step.detail(`${done} of ${count}`));
      });
    }
    output.data(
      { instanceId: instance.instanceId, stopped, containers: count, purged: options.purge === true },
      () => "",
    );
    output.say(
      options.purge
        ? "Everything that Slipway made is gone."
        : "Slipway is down. `npm start` starts it again.",
    );
  } finally {
    progress.close();
  }
}
