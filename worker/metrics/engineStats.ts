import * as z from "zod";
import type { Counters } from "./counters.ts";

/** The engine's own word on what a container uses, for where the kernel's files cannot be read. */

const vCount = z.number().catch(0);
const vStats = z.object({
  cpu_stats: z.object({ cpu_usage: z.object({ total_usage: z.number() }) }),
  memory_stats: z
    .object({
      usage: vCount.optional(),
      stats: z.object({ total_inactive_file: vCount.optional(), inactive_file: vCount.optional() }).nullish(),
    })
    .nullish(),
  networks: z.record(z.string(), z.object({ rx_bytes: vCount, tx_bytes: vCount })).nullish(),
  blkio_stats: z
    .object({ io_service_bytes_recursive: z.array(z.object({ op: z.string(), value: vCount })).nullish() })
    .nullish(),
});

/** Null where it is no answer about a container that runs. */
export function countersOfStats(answer: unknown, at: number): Counters | null {
  const parsed = vStats.safeParse(answer);
  if (!parsed.success) return null;
  const { cpu_stats, memory_stats, networks, blkio_stats } = parsed.data;
  const held = memory_stats?.usage ?? 0;
  // Of a container that has ended the engine answers with zeros.
  if (held === 0 && cpu_stats.cpu_usage.total_usage === 0) return null;
  // cgroup v1 has both, and the first of them counts what is below.
  const idle = memory_stats?.stats?.total_inactive_file ?? memory_stats?.stats?.inactive_file ?? 0;
  const net = Object.values(networks ?? {});
  const io = (operation: string) =>
    (blkio_stats?.io_service_bytes_recursive ?? [])
      .filter(({ op }) => op.toLowerCase() === operation)
      .reduce((sum, { value }) => sum + value, 0);
  return {
    at,
    cpuSeconds: cpu_stats.cpu_usage.total_usage / 1e9,
    memoryBytes: idle < held ? held - idle : held,
    rxBytes: net.reduce((sum, { rx_bytes }) => sum + rx_bytes, 0),
    txBytes: net.reduce((sum, { tx_bytes }) => sum + tx_bytes, 0),
    readBytes: io("read"),
    writeBytes: io("write"),
  };
}
