/** Where a container's cgroup is, as folders: in v1 one a controller, in v2 a single one. */
export type Cgroup =
  { version: 1; cpuacct: string; memory: string; blkio: string | null } | { version: 2; folder: string };

const IN_V1 = ["cpuacct", "memory", "blkio"] as const;

/**
 * Finds a container's cgroup by what `/proc/<pid>/cgroup` says of its first process, whichever driver and parent the
 * engine uses.
 * @param text the file's
 * @param id the container's: a cgroup without it belongs to another process that has the number on this machine, where the
 *   engine runs on another one
 * @param root where cgroups are mounted: `/sys/fs/cgroup`
 * @returns null where it is none of this container's, or cannot be seen from here
 */
export function cgroupOf(text: string, id: string, root: string): Cgroup | null {
  const paths = new Map<string, string>();
  let unified: string | null = null;
  for (const line of text.split("\n")) {
    const [, hierarchy, controllers = "", path = ""] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    // What lies outside of this process's own cgroup namespace begins with `/..`.
    if (hierarchy === undefined || !path.includes(id) || path.includes("/..")) continue;
    if (hierarchy === "0") unified = path;
    else for (const name of controllers.split(",")) paths.set(name, path);
  }
  const [cpuacct, memory, blkio] = IN_V1.map((name) => {
    const path = paths.get(name);
    // Also of controllers that are mounted together, each is there under its own name, as a link.
    return path === undefined ? null : `${root}/${name}${path}`;
  });
  if (cpuacct && memory) return { version: 1, cpuacct, memory, blkio: blkio ?? null };
  return unified === null ? null : { version: 2, folder: `${root}${unified}` };
}
