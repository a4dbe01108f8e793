import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A limit of the kernel's that all containers of a machine share. */
export type KernelLimit = {
  /** As `sysctl` names it. */
  name: string;
  wanted: number;
  /** What happens where it is too low. */
  otherwise: string;
};

const FULL_TABLE = "with hundreds of containers the neighbour table overflows and some become unreachable";
const NO_WATCHERS =
  "programs of all projects together run out of file watchers (they share one user), and do not see changes";

/** Measured: with the kernel's own thresholds 88 of 600 containers were unreachable. */
export const KERNEL_LIMITS: readonly KernelLimit[] = [
  { name: "net.ipv4.neigh.default.gc_thresh3", wanted: 16_384, otherwise: FULL_TABLE },
  { name: "net.ipv4.neigh.default.gc_thresh2", wanted: 8_192, otherwise: FULL_TABLE },
  { name: "net.ipv4.neigh.default.gc_thresh1", wanted: 4_096, otherwise: FULL_TABLE },
  { name: "fs.inotify.max_user_instances", wanted: 8_192, otherwise: NO_WATCHERS },
  { name: "fs.inotify.max_user_watches", wanted: 524_288, otherwise: NO_WATCHERS },
];

/** `hidden`: this kernel, or this network namespace, does not show it. */
export type LimitState = KernelLimit & {
  state: "enough" | "raised" | "low" | "hidden";
  value: number | null;
};

/**
 * Raises what is too low where this process may; never lowers anything.
 * @param may whether to raise at all, or only to look
 * @param folder where the kernel shows its limits
 */
export async function kernelLimits(may: boolean, folder = "/proc/sys"): Promise<LimitState[]> {
  const states: LimitState[] = [];
  // One after another: the kernel wants gc_thresh3 to be the largest of the three.
  for (const limit of KERNEL_LIMITS) states.push(await tend(limit, may, folder));
  return states;
}

async function tend(limit: KernelLimit, may: boolean, folder: string): Promise<LimitState> {
  const path = join(folder, ...limit.name.split("."));
  const value = await valueOf(path);
  if (value === null) return { ...limit, state: "hidden", value };
  if (value >= limit.wanted) return { ...limit, state: "enough", value };
  if (may) {
    await writeFile(path, `${limit.wanted}\n`, { flag: "r+" }).catch(() => undefined);
    const now = await valueOf(path);
    if (now !== null && now >= limit.wanted) return { ...limit, state: "raised", value: now };
  }
  return { ...limit, state: "low", value };
}

async function valueOf(path: string): Promise<number | null> {
  const text = await readFile(path, "utf8").catch(() => "");
  return /^\d+\s*$/.test(text) ? Number(text) : null;
}

/** The command that raises what is too low; empty where nothing is. */
export function raiseCommand(states: readonly LimitState[]): string {
  const low = states.filter(({ state }) => state === "low");
  return low.length === 0 ? "" : `sysctl -w ${low.map(({ name, wanted }) => `${name}=${wanted}`).join(" ")}`;
}
