import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cgroupOf } from "./cgroupOf.ts";
import { blkioBytes, flatValue, ioStatBytes, netBytes } from "./kernelText.ts";
import { readCounters } from "./readCounters.ts";

/** Files as kernels write them, in a folder that stands for `/`. */

const ID = "0391c318c86c6dab8736a13f2f34583f4dd5b41c801108c843346777a901e30c";
const V1 = `13:hugetlb:/docker/${ID}
7:blkio:/docker/${ID}
4:memory:/docker/${ID}
2:cpu,cpuacct:/docker/${ID}
1:name=systemd:/docker/${ID}
0::/docker/${ID}
`;
const V2 = `0::/system.slice/docker-${ID}.scope\n`;
const NET = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    9999      99    0    0    0     0          0         0     9999      99    0    0    0     0       0          0
  eth0: 2862243   13999    0    0    0     0          0         0 11426714   10048    0    0    0     0       0          0
  eth1:    1000       5    0    0    0     0          0         0      200       4    0    0    0     0       0          0
`;
const MEMORY_V1 = `cache 319488
rss 15515648
inactive_file 1
hierarchical_memory_limit 2147483648
total_cache 319488
total_inactive_file 262144
total_active_file 311296
`;
const MEMORY_V2 = `anon 15515648
file 319488
kernel 1081344
slab_reclaimable 385984
inactive_anon 15519744
active_anon 4096
inactive_file 262144
active_file 311296
workingset_refault_file 76
`;
const CPU_V2 = `usage_usec 5310254
user_usec 3200000
system_usec 2110254
nr_periods 120
nr_throttled 3
throttled_usec 12000
`;
const IO_V2 = `259:0 rbytes=3203072 wbytes=8192 rios=81 wios=2 dbytes=0 dios=0
253:1 rbytes=4096 wbytes=100 rios=1 wios=1 dbytes=4096 dios=1
`;
const BLKIO = `8:0 Read 3203072
8:0 Write 8192
8:0 Sync 3211264
8:0 Async 0
8:0 Discard 4096
8:0 Total 3215360
253:1 Read 4096
253:1 Write 100
253:1 Total 4196
Total 3219556
`;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "slipway-cgroup-"));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
});

async function files(texts: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(texts)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
}

const v1Files = (): Record<string, string> => ({
  [`cgroup/cpuacct/docker/${ID}/cpuacct.usage`]: "544846991\n",
  [`cgroup/memory/docker/${ID}/memory.usage_in_bytes`]: "16617472\n",
  [`cgroup/memory/docker/${ID}/memory.stat`]: MEMORY_V1,
  [`cgroup/memory/docker/${ID}/cgroup.procs`]: "19327\n19379\n",
  [`cgroup/blkio/docker/${ID}/blkio.throttle.io_service_bytes_recursive`]: BLKIO,
  "proc/19327/net/dev": NET,
  "proc/7/net/dev": "  eth0: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n",
});
const v2Files = (): Record<string, string> => ({
  [`cgroup/system.slice/docker-${ID}.scope/cpu.stat`]: CPU_V2,
  [`cgroup/system.slice/docker-${ID}.scope/memory.current`]: "16617472\n",
  [`cgroup/system.slice/docker-${ID}.scope/memory.stat`]: MEMORY_V2,
  [`cgroup/system.slice/docker-${ID}.scope/io.stat`]: IO_V2,
  [`cgroup/system.slice/docker-${ID}.scope/cgroup.procs`]: "19327\n19379\n",
  "proc/19327/net/dev": NET,
});
const COMMON = {
  at: 1_000,
  memoryBytes: 16_617_472 - 262_144,
  rxBytes: 2_863_243,
  txBytes: 11_426_914,
  readBytes: 3_207_168,
  writeBytes: 8_292,
};

function read(procCgroup: string, pid = 19_327) {
  const cgroup = cgroupOf(procCgroup, ID, join(root, "cgroup"));
  return cgroup && readCounters(cgroup, pid, join(root, "proc"), 1_000);
}

test("v1: each controller's own hierarchy, also of controllers that are mounted together", async () => {
  await files(v1Files());
  expect(read(V1)).toEqual({ ...COMMON, cpuSeconds: 0.544846991 });
});

test("v2: one folder, by whichever driver and parent the engine chose", async () => {
  await files(v2Files());
  expect(read(V2)).toEqual({ ...COMMON, cpuSeconds: 5.310254 });
});

test("a machine that has both has its controllers in v1", () => {
  expect(cgroupOf(V1, ID, "/sys/fs/cgroup")).toEqual({
    version: 1,
    cpuacct: `/sys/fs/cgroup/cpuacct/docker/${ID}`,
    memory: `/sys/fs/cgroup/memory/docker/${ID}`,
    blkio: `/sys/fs/cgroup/blkio/docker/${ID}`,
  });
});

test("a cgroup that is not the container's, or cannot be seen from here, is none", () => {
  const other = "f".repeat(64);
  expect(cgroupOf(V1, other, "/sys/fs/cgroup")).toBeNull();
  expect(cgroupOf("0::/user.slice/user-1000.slice/session-4.scope\n", ID, "/sys/fs/cgroup")).toBeNull();
  expect(cgroupOf(`0::/../../docker/${ID}\n`, ID, "/sys/fs/cgroup")).toBeNull();
  expect(cgroupOf("", ID, "/sys/fs/cgroup")).toBeNull();
});

test.each([
  ["v1", V1, v1Files, "blkio"],
  ["v2", V2, v2Files, "io.stat"],
] as const)("%s: without the disks' controller there is all the rest", async (_name, proc, of, without) => {
  await files(Object.fromEntries(Object.entries(of()).filter(([path]) => !path.includes(without))));
  expect(read(proc)).toMatchObject({ rxBytes: 2_863_243, readBytes: 0, writeBytes: 0 });
});

test.each([
  ["v1", V1, v1Files],
  ["v2", V2, v2Files],
] as const)("%s: a container that ended has nothing to read", async (_name, proc, of) => {
  await files(of());
  await files(
    Object.fromEntries(
      Object.keys(of())
        .filter((path) => path.endsWith(".procs"))
        .map((path) => [path, ""]),
    ),
  );
  expect(read(proc)).toBeNull();
  await rm(root, { recursive: true });
  expect(read(proc)).toBeNull();
});

test("a process id that is another process's by now is not asked for the container's network", async () => {
  await files(v1Files());
  expect(read(V1, 7)).toMatchObject({ rxBytes: 2_863_243, txBytes: 11_426_914 });
});

test("text that is not understood counts as nothing", () => {
  expect(flatValue(MEMORY_V1, "inactive_file")).toBe(1);
  expect(flatValue(MEMORY_V1, "total_inactive_file")).toBe(262_144);
  expect(flatValue(MEMORY_V1, "cache")).toBe(319_488);
  expect(flatValue(MEMORY_V1, "file")).toBeNull();
  expect(flatValue("usage_usec lots\n", "usage_usec")).toBeNull();
  expect(flatValue("", "usage_usec")).toBeNull();
  const nothing = { readBytes: 0, writeBytes: 0 };
  expect(blkioBytes("Total 0\n")).toEqual(nothing);
  expect(ioStatBytes("8:0\n")).toEqual(nothing);
  expect(netBytes("no table\n")).toEqual({ rxBytes: 0, txBytes: 0 });
});
