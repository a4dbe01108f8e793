import { constants } from "node:os";

/** A function of probes.py with its arguments. */
export type Call = [name: string, ...args: (string | number)[]];

export type Attempt = {
  area: string;
  /** What is tried, for people. */
  what: string;
  call: Call;
  /** What must not come of it is anything else. */
  fails: readonly string[];
  /** What stands in the documentation for how it fails. */
  outcome: string;
  /** The same kind of attempt, where it is allowed: a probe that never succeeds would prove nothing. */
  control: Call;
};

/** What attempts are made at. Addresses are IPv4. */
export type Targets = {
  /** The other service of the same environment. */
  peer: { name: string; address: string };
  /** Where `answer` of probes.py listens in every container. */
  port: number;
  /** The other project's containers: their addresses and names. */
  foreign: { addresses: string[]; names: string[]; hostPid: number };
  host: { addresses: string[]; port: number };
  gateway: { addresses: string[]; ports: number[]; name: string };
  /** A container of somebody else's on a bridge of Docker's. */
  bystander: string;
  /** Paths of the host: the worker's data, Docker's socket and data. */
  hostPaths: string[];
  memoryBytes: number;
  diskBytes: number;
};

const CLOSED = ["silence", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "EPERM", "EACCES"];
const DENIED = ["EPERM", "EACCES", "ENOSYS", "EROFS"];
const NOT_THERE = ["ENOENT", "EACCES", "EPERM", "ENOTDIR"];
const UNKNOWN_NAME = ["gaierror"];
const MIB = 1024 ** 2;

/** All that is tried from inside one container. Pure. */
export function attemptsAt(targets: Targets): Attempt[] {
  return [
    ...network(targets),
    ...names(targets),
    ...files(targets),
    ...rights(targets),
    ...exhaustion(targets),
  ];
}

function network({ peer, port, foreign, host, gateway, bystander }: Targets): Attempt[] {
  const reach = (what: string, addresses: string[], ports: number[]): Attempt[] =>
    addresses.flatMap((address) => [
      ...ports.map((each): Attempt => ({
        ...{ area: "network", what: `TCP to ${what}`, call: ["tcp", address, each], fails: CLOSED },
        ...{ outcome: "closed", control: ["tcp", peer.address, port] },
      })),
      {
        ...{ area: "network", what: `UDP to ${what}`, call: ["udp", address, ports[0]!], fails: CLOSED },
        ...{ outcome: "closed", control: ["udp", peer.address, port] },
      },
      {
        ...{ area: "network", what: `ICMP to ${what}`, call: ["icmp", address], fails: CLOSED },
        ...{ outcome: "closed", control: ["icmp", peer.address] },
      },
    ]);
  const impersonate = (what: string, call: Call, fails: string[], control: Call): Attempt => ({
    ...{ area: "network", what, call, fails, outcome: "refused by the kernel", control },
  });
  const plain: Call = ["raw", "AF_INET", "SOCK_STREAM", 0];
  return [
    ...reach("another project's container", foreign.addresses, [port]),
    ...reach("a service of the host", host.addresses, [host.port]),
    ...reach("the gateway", gateway.addresses, gateway.ports),
    ...reach("a stranger's container", [bystander], [port]),
    impersonate("raw IP socket", ["raw", "AF_INET", "SOCK_RAW", 255], ["EPERM"], plain),
    impersonate(
      "packet socket (ARP spoofing, sniffing)",
      ["raw", "AF_PACKET", "SOCK_RAW", 768],
      ["EPERM"],
      plain,
    ),
    impersonate("send as another address", ["option", 0, 19], ["EPERM"], ["option", 0, 2]),
    impersonate(
      "take another container's address",
      ["bind", peer.address],
      ["EADDRNOTAVAIL"],
      ["own_address"],
    ),
    impersonate("change the interface's address", ["set_address", peer.address], ["EPERM"], ["own_address"]),
    {
      ...{ area: "network", what: "IPv6 address to go round the rules", call: ["ipv6"], fails: ["none"] },
      ...{ outcome: "there is none", control: ["own_address"] },
    },
  ];
}

function names({ peer, foreign, gateway }: Targets): Attempt[] {
  const all = [...foreign.names, gateway.name, "host.docker.internal"];
  return all.map((name) => ({
    ...{ area: "names", what: `resolve ${describeName(name, gateway.name)}`, call: ["resolve", name] },
    ...{ fails: UNKNOWN_NAME, outcome: "unknown", control: ["resolve", peer.name] },
  }));
}

function describeName(name: string, gateway: string): string {
  if (name === gateway) return "the gateway's name";
  return name === "host.docker.internal" ? "the host's name" : "another project's name";
}

function files({ hostPaths }: Targets): Attempt[] {
  const attempt = (what: string, call: Call, fails: string[], outcome: string, control: Call): Attempt => ({
    ...{ area: "files", what, call, fails, outcome, control },
  });
  const readable: Call = ["read", "/etc/passwd"];
  const written: Call = ["write", "/workspace/probe-file"];
  return [
    ...hostPaths.flatMap((path) => [
      attempt("a path of the host", ["access", path], NOT_THERE, "not there", ["access", "/workspace"]),
      attempt("the host through /proc/1/root", ["access", `/proc/1/root${path}`], NOT_THERE, "not there", [
        "access",
        "/proc/1/status",
      ]),
    ]),
    attempt("Docker's socket", ["connect_unix", "/var/run/docker.sock"], NOT_THERE, "not there", [
      "tcp",
      "127.0.0.1",
      8000,
    ]),
    attempt("something mounted from the host", ["host_mounts"], ["none"], "there is none", readable),
    ...["/probe-file", "/etc/passwd", "/usr/bin/probe-file"].map((path) =>
      attempt("write to the root filesystem", ["write", path], ["EROFS", "EACCES"], "read-only", written),
    ),
    attempt(
      "run a program from /tmp",
      ["run_from", "/tmp"],
      ["EACCES", "PermissionError"],
      "not executable",
      ["run_from", "/workspace"],
    ),
    attempt("a device of the host", ["device_files"], ["none"], "there is none", ["read", "/dev/urandom"]),
    attempt("make a device file", ["mknod"], DENIED, "refused by the kernel", written),
    ...["/proc/kcore", "/proc/keys", "/proc/timer_list"].map((path) =>
      attempt("read the kernel through /proc", ["read", path], [...DENIED, "empty", "ENOENT"], "hidden", [
        "read",
        "/proc/self/status",
      ]),
    ),
    ...[
      "/proc/sys/kernel/core_pattern",
      "/proc/sys/net/ipv4/ip_forward",
      "/proc/sys/vm/drop_caches",
      "/proc/sysrq-trigger",
    ].map((path) =>
      attempt("write to /proc", ["write", path, "1"], [...DENIED, "ENOENT"], "read-only", [
        "write",
        "/proc/self/oom_score_adj",
        "100",
      ]),
    ),
    ...[
      "/sys/kernel/mm/transparent_hugepage/enabled",
      "/sys/class/net/lo/mtu",
      "/sys/fs/cgroup/cgroup.procs",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ].map((path) =>
      attempt("write to /sys", ["write", path, "1"], [...DENIED, "ENOENT"], "read-only", [
        "write",
        "/proc/self/oom_score_adj",
        "100",
      ]),
    ),
  ];
}

function rights({ foreign }: Targets): Attempt[] {
  const attempt = (
    what: string,
    call: Call,
    fails: readonly string[],
    outcome: string,
    control: Call,
  ): Attempt => ({
    ...{ area: "rights", what, call, fails, outcome, control },
  });
  const harmless: Call = ["syscall", "getpid"];
  const kernel = (what: string, ...call: (string | number)[]) =>
    attempt(what, ["syscall", ...call] as Call, [...DENIED, "EINVAL"], "refused by the kernel", harmless);
  const [NEWNS, NEWUSER, NEWNET] = [0x00020000, 0x10000000, 0x40000000];
  return [
    ...["self", "1"].flatMap((pid) => [
      attempt("any capability, in any set", ["capabilities", pid], ["none"], "there is none", harmless),
      attempt("to be root", ["identity", pid], ["1000:1000"], "user 1000", harmless),
      attempt("gain privileges at exec", ["status", "NoNewPrivs", pid], ["1"], "switched off", harmless),
      attempt("run without a system call filter", ["status", "Seccomp", pid], ["2"], "filtered", harmless),
    ]),
    attempt("become root", ["become", 0], ["EPERM"], "refused by the kernel", ["become", 1000]),
    attempt("a setuid program of one's own", ["setuid_copy"], ["uid 1000"], "runs as user 1000", [
      "run_from",
      "/workspace",
    ]),
    kernel("mount a filesystem", "mount", "none", "/tmp", "tmpfs", 0, ""),
    kernel("mount a filesystem (new calls)", "fsopen", "tmpfs", 0),
    kernel("unmount", "umount2", "/proc/kcore", 2),
    kernel("change the root", "pivot_root", "/tmp", "/tmp"),
    kernel("a mount namespace", "unshare", NEWNS),
    kernel("a user namespace (to be root there)", "unshare", NEWUSER),
    kernel("a network namespace", "unshare", NEWNET),
    kernel("enter a namespace", "setns", 0, 0),
    kernel("kernel keyring: add", "add_key", "user", "probe", "x", 1, -3),
    kernel("kernel keyring: ask", "keyctl", 0, -3, 1),
    kernel("load code into the kernel", "bpf", 0, 0, 0),
    kernel("load a kernel module", "init_module", "x", 1, ""),
    kernel("load another kernel", "kexec_load", 0, 0, 0, 0),
    kernel("watch the machine (perf)", "perf_event_open", 0, 0, -1, -1, 0),
    kernel("open a file by its handle (out of the container)", "open_by_handle_at", 3, 0, 0),
    kernel("switch on swap", "swapon", "/tmp/x", 0),
    kernel("set the clock", "settimeofday", 0, 0),
    kernel("set the host's name", "sethostname", "probe", 5),
    kernel("reboot", "reboot", 0xfee1dead, 672274793, 0, 0),
    kernel("process accounting", "acct", "/tmp/x"),
    attempt("see other containers' programs", ["processes"], ["few"], "only one's own", harmless),
    attempt("signal another container's program", ["signal_to", foreign.hostPid], ["ESRCH"], "not there", [
      "signal_to",
      1,
    ]),
    attempt(
      "trace another container's program",
      ["trace", foreign.hostPid],
      ["ESRCH", "EPERM"],
      "not there",
      ["trace_child"],
    ),
    attempt(
      "raise one's own limit of open files",
      ["nofile", 2 ** 21],
      ["EPERM", "ValueError"],
      "refused by the kernel",
      ["nofile", 256],
    ),
  ];
}

function exhaustion({ memoryBytes, diskBytes }: Targets): Attempt[] {
  const attempt = (what: string, call: Call, fails: string[], outcome: string, control: Call): Attempt => ({
    ...{ area: "exhaustion", what, call, fails, outcome, control },
  });
  return [
    attempt("fork bomb", ["forks", 2000], ["EAGAIN"], "ends at the limit of processes", ["forks", 3]),
    attempt(
      "fill the memory",
      ["eat", memoryBytes * 2],
      [`signal ${constants.signals.SIGKILL}`],
      "that program is killed",
      ["eat", 4 * MIB],
    ),
    attempt("fill the workspace", ["fill", "/workspace", diskBytes * 2], ["ENOSPC"], "full at its size", [
      "fill",
      "/workspace",
      MIB,
    ]),
    attempt("fill /tmp", ["fill", "/tmp", 256 * MIB], ["ENOSPC"], "full at its size", ["fill", "/tmp", MIB]),
    attempt("fill /dev/shm", ["fill", "/dev/shm", 256 * MIB], ["ENOSPC"], "full at its size", [
      "fill",
      "/dev/shm",
      MIB,
    ]),
  ];
}
