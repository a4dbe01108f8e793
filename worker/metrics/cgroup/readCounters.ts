import { readFileSync } from "node:fs";
import type { Counters } from "../counters.ts";
import type { Cgroup } from "./cgroupOf.ts";
import { blkioBytes, flatValue, ioStatBytes, netBytes, oneValue, processIds } from "./kernelText.ts";

const NANOSECONDS = 1e9;
const MICROSECONDS = 1e6;

/**
 * Reads what a container has used, from six of the kernel's files. They are answered from memory, at once; reading them
 * without handing each to a thread costs a quarter of the time (worker/README.md has figures).
 * @param pid of its first process, as far as known: its network is the container's
 * @param procRoot `/proc`
 * @returns null where the cgroup is gone or empty: the container does not run any more
 */
export function readCounters(cgroup: Cgroup, pid: number, procRoot: string, at: number): Counters | null {
  const used = cgroup.version === 1 ? readV1(cgroup) : readV2(cgroup.folder);
  if (!used) return null;
  const pids = processIds(text(`${cgroup.version === 1 ? cgroup.memory : cgroup.folder}/cgroup.procs`) ?? "");
  // Another process may have the number of one that is gone.
  const witness = pids.includes(pid) ? pid : pids[0];
  if (witness === undefined) return null;
  return { at, ...used, ...netBytes(text(`${procRoot}/${witness}/net/dev`) ?? "") };
}

type Used = Pick<Counters, "cpuSeconds" | "memoryBytes" | "readBytes" | "writeBytes">;

function readV1({ cpuacct, memory, blkio }: Cgroup & { version: 1 }): Used | null {
  const nanoseconds = oneValue(text(`${cpuacct}/cpuacct.usage`) ?? "");
  const held = oneValue(text(`${memory}/memory.usage_in_bytes`) ?? "");
  if (nanoseconds === null || held === null) return null;
  const idle = flatValue(text(`${memory}/memory.stat`) ?? "", "total_inactive_file");
  return {
    cpuSeconds: nanoseconds / NANOSECONDS,
    memoryBytes: withoutIdle(held, idle),
    ...blkioBytes(blkio === null ? "" : (text(`${blkio}/blkio.throttle.io_service_bytes_recursive`) ?? "")),
  };
}

function readV2(folder: string): Used | null {
  const microseconds = flatValue(text(`${folder}/cpu.stat`) ?? "", "usage_usec");
  const held = oneValue(text(`${folder}/memory.current`) ?? "");
  if (microseconds === null || held === null) return null;
  const idle = flatValue(text(`${folder}/memory.stat`) ?? "", "inactive_file");
  return {
    cpuSeconds: microseconds / MICROSECONDS,
    memoryBytes: withoutIdle(held, idle),
    ...ioStatBytes(text(`${folder}/io.stat`) ?? ""),
  };
}

/** As `docker stats` counts it: file cache that nobody uses is given back as soon as memory is wanted. */
function withoutIdle(held: number, idle: number | null): number {
  return idle !== null && idle < held ? held - idle : held;
}

function text(path: string): string | null {
  try {
    return readFileSync(path, "latin1");
  } catch {
    // The container ended between two files, or a controller is switched off.
    return null;
  }
}
