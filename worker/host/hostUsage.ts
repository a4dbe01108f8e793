import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { cpus, freemem, loadavg, totalmem } from "node:os";
import type { Clock } from "../clock.ts";
import { flatValue } from "../metrics/cgroup/kernelText.ts";

/** What a machine uses, by whatever runs there. */
export type MachineUsage = {
  /** ms since 1970. */
  at: number;
  /** Cores, since it was read before. */
  cpu: number;
  memoryBytes: number;
  /** Of the disk that holds what Docker keeps. */
  diskFreeBytes: number;
  diskTotalBytes: number;
  /** Of the last minute. */
  loadAverage: number;
};

const KIBIBYTE = 1024;

/** Milliseconds that the cores were busy since the machine started, all together. */
export type BusyTime = () => number;

const busyTime: BusyTime = () =>
  cpus().reduce((sum, { times }) => sum + times.user + times.nice + times.sys + times.irq, 0);

/** Reads what the machine uses; what its cores did is counted from one reading to the next. */
export class MachineMeter {
  private before: { busyMs: number; at: number };

  /** @param folders the first of these that there is says which disk is meant */
  constructor(
    private readonly folders: readonly string[],
    private readonly clock: Clock,
    private readonly busy: BusyTime = busyTime,
  ) {
    this.before = { busyMs: busy(), at: clock.elapsed() };
  }

  async read(): Promise<MachineUsage> {
    const { clock, before } = this;
    const now = { busyMs: this.busy(), at: clock.elapsed() };
    this.before = now;
    const passedMs = now.at - before.at;
    const disk = await this.disk();
    return {
      at: clock.now(),
      cpu: passedMs > 0 ? Math.max(0, now.busyMs - before.busyMs) / passedMs : 0,
      memoryBytes: heldMemory(),
      ...disk,
      loadAverage: loadavg()[0] ?? 0,
    };
  }

  private async disk(): Promise<Pick<MachineUsage, "diskFreeBytes" | "diskTotalBytes">> {
    for (const folder of this.folders) {
      const found = await statfs(folder).catch(() => null);
      if (found)
        return { diskFreeBytes: found.bavail * found.bsize, diskTotalBytes: found.blocks * found.bsize };
    }
    return { diskFreeBytes: 0, diskTotalBytes: 0 };
  }
}

/** @param meminfo the text of /proc/meminfo, where there is one */
export function heldMemory(meminfo: string | null = readMeminfo()): number {
  const [total, available] = ["MemTotal:", "MemAvailable:"].map((key) => flatValue(meminfo ?? "", key));
  return total != null && available != null ? (total - available) * KIBIBYTE : totalmem() - freemem();
}

function readMeminfo(): string | null {
  try {
    return readFileSync("/proc/meminfo", "latin1");
  } catch {
    return null;
  }
}
