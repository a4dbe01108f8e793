import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Program } from "../debianPrograms.ts";

const run = promisify(execFile);

export type Load = {
  perSecond: number;
  p99Ms: number;
  errors: number;
  /** Microseconds of CPU that the proxy took for each request: what is left of throughput where a machine is busy. */
  cpuUs: number;
};

export type LoadOptions = {
  seconds: number;
  connections: number;
  /** What the proxy's container has taken so far. */
  cpuNs: () => Promise<number>;
};

/** One run of wrk. */
export async function wrk(
  { path, env }: Program,
  url: string,
  { seconds, connections, cpuNs }: LoadOptions,
): Promise<Load> {
  // The gateway answers to its own names alone.
  const args = ["-H", "Host: 127.0.0.1", "-t2", `-c${connections}`, `-d${seconds}s`, "--latency", url];
  const before = await cpuNs();
  const { stdout } = await run(path, args, { env, timeout: (seconds + 30) * 1000 });
  const usedNs = (await cpuNs()) - before;
  const requests = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  const [, p99, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const non2xx = Number(/Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1] ?? 0);
  const socketErrors = [...(/Socket errors: (.*)/.exec(stdout)?.[1] ?? "").matchAll(/\d+/g)];
  const errors = socketErrors.reduce((sum, [count]) => sum + Number(count), non2xx);
  if (!Number.isFinite(perSecond) || p99 === undefined) throw new Error(`wrk says nothing of use: ${stdout}`);
  const cpuUs = usedNs / 1000 / requests;
  return {
    perSecond,
    cpuUs,
    p99Ms: Number(p99) * { us: 0.001, ms: 1, s: 1000 }[unit as "us" | "ms" | "s"],
    errors,
  };
}
