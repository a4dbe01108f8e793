import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";

/** What a process has used, from /proc. */
export type ProcessUse = { cpuMs: number; residentBytes: number };

export async function processUse(pid: number): Promise<ProcessUse> {
  const [stat, status] = await Promise.all([
    readFile(`/proc/${pid}/stat`, "utf8"),
    readFile(`/proc/${pid}/status`, "utf8"),
  ]);
  // The name, in parentheses, may contain anything; the 14th and 15th fields are the ticks in user mode and in the kernel.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ticks = Number(fields[11]) + Number(fields[12]);
  const residentKib = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
  return { cpuMs: (ticks * 1000) / ticksPerSecond(), residentBytes: residentKib * 1024 };
}

function ticksPerSecond(): number {
  return Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
}
