import { readFile, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import type Docker from "dockerode";
import { dataPaths, isErrorCode } from "../../../setup/dataDir.ts";
import { failed, ok, skipped, warning, type Check, type Finding } from "./check.ts";

/** Checks of the machine itself: they need nothing of Slipway's to run. */

const LEAST_NODE = [20, 19] as const;
const GIB = 1024 ** 3;
const DISK = { failedBelow: GIB, warnedBelow: 5 * GIB };
/** FACTS: with the kernel's default of 1024 the neighbour table overflows at some hundreds of containers. */
const NEIGHBOURS = { path: "/proc/sys/net/ipv4/neigh/default/gc_thresh3", wanted: 16_384, perContainer: 4 };

export function machineChecks(dataDir: string, docker: Docker | null): Check[] {
  return [
    { title: "Node.js", run: nodeVersion },
    { title: "data directory", run: async () => await dataDirectoryIsPrivate(dataDir) },
    { title: "disk space", run: async () => await diskSpace(dataDir) },
    { title: "neighbour table", run: async () => await neighbourTable(docker) },
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
  const { keys } = dataPaths(dataDir);
  const found = await stat(keys).catch((error: unknown) => {
    if (isErrorCode(error, "ENOENT")) return null;
    throw error;
  });
  if (!found) return skipped(`${dataDir} is not set up yet`);
  const mode = found.mode & 0o777;
  return mode === 0o700
    ? ok(dataDir)
    : failed(`${keys} has mode ${mode.toString(8)}: others can read the keys`, `chmod 700 ${keys}`);
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

async function neighbourTable(docker: Docker | null): Promise<Finding> {
  const text = await readFile(NEIGHBOURS.path, "utf8").catch((error: unknown) => {
    if (isErrorCode(error, "ENOENT")) return null;
    throw error;
  });
  // No Linux, or a network namespace of its own, which shares the host's limit without showing it.
  if (text === null) return skipped("its limit cannot be seen here");
  const limit = Number(text);
  const running = docker ? (await docker.listContainers()).length : 0;
  if (running * NEIGHBOURS.perContainer < limit) return ok(`${limit} entries, ${running} containers running`);
  return warning(
    `${limit} entries are few for ${running} containers: some may become unreachable`,
    `sysctl -w net.ipv4.neigh.default.gc_thresh1=4096 net.ipv4.neigh.default.gc_thresh2=8192 ` +
      `net.ipv4.neigh.default.gc_thresh3=${NEIGHBOURS.wanted}`,
  );
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
