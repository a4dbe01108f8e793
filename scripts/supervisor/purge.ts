import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type Docker from "dockerode";
import { LoopDisks } from "../../worker/disks/loopDisks.ts";
import { FIREWALL_IMAGE, removeFirewall } from "../../worker/firewall/firewall.ts";
import { imageLabels, statusOf } from "../images/engineImages.ts";
import { ensureImages } from "../images/ensureImages.ts";
import type { Progress } from "../progress/progress.mjs";
import { track } from "../progress/progress.mjs";
import { isErrorCode } from "../setup/dataDir.ts";
import { withinDeadline } from "../setup/deadline.ts";
import type { Instance } from "../setup/instance.ts";
import { ownedResources, removeOwned, type Owned } from "./owned.ts";

const CALL_DEADLINE_MS = 60_000;
const OUR_IMAGES = "slipway/*";

/** What lives in a data directory. Whatever else somebody put there is not ours to remove. */
const OURS =
  /^(instance\.json|keys|slipway\.db.*|gateway|logs|run|backups|storage|volumes|certificates|sources)$/;

/** What a purge would remove, for people to read before they agree. */
export async function purgePlan(
  docker: Docker,
  dataDir: string,
  instance: Instance,
  keepImages: boolean,
): Promise<string> {
  const { containers, networks, volumes } = await ownedResources(docker, instance.instanceId);
  const images = keepImages ? [] : await ourImages(docker);
  return [
    `This removes everything that Slipway's instance ${instance.instanceId} made:`,
    `  ${counted(containers, "container")}, ${counted(networks, "network")}, ${counted(volumes, "volume")} with all data`,
    `  the firewall's rules${keepImages ? "" : `, ${counted(images, "image")} (${OUR_IMAGES})`}`,
    `  ${dataDir}: every project, the keys, the logs`,
    "There is no way back.",
  ].join("\n");
}

/** Removes all that the instance made, images last but for the data directory: a purge that failed can be repeated. */
export async function purge(
  docker: Docker,
  dataDir: string,
  instance: Instance,
  { keepImages, progress }: { keepImages: boolean; progress: Progress },
): Promise<void> {
  const owned = await ownedResources(docker, instance.instanceId);
  const { containers, networks, volumes } = owned;
  await track(
    progress,
    `Removing ${counted(containers, "container")}, ${counted(networks, "network")}, ${counted(volumes, "volume")}`,
    async () => await removeOwned(docker, owned),
  );
  if (await mayHaveFirewall(docker, owned)) {
    await ensureImages(docker, { names: ["firewall"], progress });
    await track(progress, "Removing the firewall's rules", async () => {
      await removeFirewall(docker, { instanceId: instance.instanceId });
    });
  }
  if (!keepImages) {
    await track(progress, "Removing images", async (step) => {
      for (const tag of await ourImages(docker)) {
        step.detail(tag);
        await removeUnusedImage(docker, tag, (why) => progress.note(`  ${tag} stays: ${why}`));
      }
    });
  }
  await track(progress, `Removing ${dataDir}`, async () => {
    // They are mounted there, so they have to go before their folder does.
    await new LoopDisks(dataDir).removeAll();
    const left = await removeData(dataDir);
    if (left.length > 0) progress.note(`  Not Slipway's, so left there: ${left.join(", ")}`);
  });
}

/** An instance that never came so far as to make a container has no rules either, and maybe not the image to look. */
async function mayHaveFirewall(docker: Docker, owned: Owned): Promise<boolean> {
  return owned.networks.length > 0 || (await imageLabels(docker, FIREWALL_IMAGE)) !== undefined;
}

async function ourImages(docker: Docker): Promise<string[]> {
  const images = await withinDeadline(
    docker.listImages({ filters: JSON.stringify({ reference: [OUR_IMAGES] }) }),
    CALL_DEADLINE_MS,
    "Listing images",
  );
  return images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => tag.startsWith("slipway/"));
}

async function removeUnusedImage(docker: Docker, tag: string, stays: (why: string) => void): Promise<void> {
  try {
    await withinDeadline(docker.getImage(tag).remove(), CALL_DEADLINE_MS, `Removing ${tag}`);
  } catch (error) {
    if (statusOf(error) === 409) stays("somebody else's container uses it");
    else if (statusOf(error) !== 404) throw error;
  }
}

/** `1 network`, `2 networks` */
function counted(things: readonly unknown[], noun: string): string {
  return `${things.length} ${noun}${things.length === 1 ? "" : "s"}`;
}

/** @returns what is left there, because it is not ours */
async function removeData(dataDir: string): Promise<string[]> {
  const entries = await entriesOf(dataDir);
  const rank = (name: string) => (name === "instance.json" ? 1 : 0);
  for (const name of entries.filter((entry) => OURS.test(entry)).sort((a, b) => rank(a) - rank(b))) {
    await rm(join(dataDir, name), { recursive: true, force: true });
  }
  const left = await entriesOf(dataDir);
  if (left.length === 0) await rm(dataDir, { recursive: true, force: true });
  return left;
}

async function entriesOf(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrorCode(error, "ENOENT")) return [];
    throw error;
  }
}
