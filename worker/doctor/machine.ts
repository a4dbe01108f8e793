import { stat, statfs } from "node:fs/promises";
import { dirname, join } from "node:path";
import { SlipwayError } from "../../core/errors.ts";
import { hostStacks } from "../../docker/stacks/hostStacks.ts";
import { kernelLimits, raiseCommand } from "../kernel/kernelLimits.ts";
import { failed, ok, skipped, warning, type Check, type Finding } from "./check.ts";

/** Checks of the machine itself: they need nothing of Slipway's to run. */

const LEAST_NODE = [20, 19] as const;
const GIB = 1024 ** 3;
const DISK = { failedBelow: GIB, warnedBelow: 5 * GIB };

export function machineChecks(dataDir: string): Check[] {
  return [
    { title: "Node.js", run: nodeVersion },
    { title: "data directory", run: async () => await dataDirectoryIsPrivate(dataDir) },
    { title: "stacks", run: async () => stacks(dataDir) },
    { title: "disk space", run: async () => await diskSpace(dataDir) },
    { title: "kernel limits", run: limitsOfTheKernel },
  ];
}

async function nodeVersion(): Promise<Finding> {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isEnough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1]);
  return isEnough
    ? ok(process.versions.node)
    : failed(`${process.versions.node} is too old`, `Install Node.js ${LEAST_NODE.join(".")} or newer.`);
}

async function dataDirectoryIsPrivate(dataDir: string): Promise<Finding> {
  const keys = join(dataDir, "keys");
  const found = await stat(keys).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (!found) return skipped(`${dataDir} is not set up yet`);
  const mode = found.mode & 0o777;
  return mode === 0o700
    ? ok(dataDir)
    : failed(`${keys} has mode ${mode.toString(8)}: others can read the keys`, `chmod 700 ${keys}`);
}

function stacks(dataDir: string): Finding {
  try {
    const { stacks, own, folder } = hostStacks(dataDir);
    const total = `${Object.keys(stacks).length} stacks`;
    return ok(
      own.length === 0
        ? `${total}, none of your own in ${folder}`
        : `${total}, of your own: ${own.join(", ")}`,
    );
  } catch (error) {
    if (!(error instanceof SlipwayError)) throw error;
    return failed(error.message, error.data.hint ?? "Correct it as docs/stacks.md says.");
  }
}

async function diskSpace(dataDir: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestFolder(dataDir));
  const free = bavail * bsize;
  const text = `${(free / GIB).toFixed(1)} GiB free`;
  if (free < DISK.failedBelow)
    return failed(text, "Make room: images, containers and logs need some gigabytes.");
  if (free < DISK.warnedBelow) return warning(text, "Make room soon: images and logs need some gigabytes.");
  return ok(text);
}

async function limitsOfTheKernel(): Promise<Finding> {
  const states = await kernelLimits(false);
  const low = states.filter(({ state }) => state === "low");
  if (low.length > 0) {
    const values = low.map(({ name, value, wanted }) => `${name} is ${value}, not ${wanted}`).join(", ");
    const why = [...new Set(low.map(({ otherwise }) => otherwise))].join("; ");
    return warning(`${values}: ${why}`, `${raiseCommand(states)} (the worker does so where it runs as root)`);
  }
  const seen = states.filter(({ state }) => state === "enough");
  // No Linux, or a network namespace of its own, which shares the host's limits without showing them.
  if (seen.length === 0) return skipped("they cannot be seen here");
  return ok(`${seen.length} are high enough`);
}

async function nearestFolder(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at)) {
    if (
      await stat(at).then(
        () => true,
        () => false,
      )
    ) {
      return at;
    }
  }
}
