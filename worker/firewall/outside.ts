import { randomBytes } from "node:crypto";
import type Docker from "dockerode";
import { FIREWALL_IMAGE } from "./firewall.ts";
import type { RunCommand } from "../engine/commandsIn.ts";
import { withFirewallHelper } from "./helper.ts";

const FAR_MAC = "02:00:00:00:00:02";

type Sides = { hostSide: string; farSide: string };

/** A place outside of the machine's bridges that is still on the machine, and that counts what is sent to it. */
export type Outside = {
  address: string;
  /** Packets that were sent there so far. */
  count: () => Promise<number>;
};

/**
 * Makes a wire of two ends on the host, with nobody behind it: what containers send to its address passes every rule
 * that a packet to the internet passes, is counted, and ends there. It goes again whatever `work` does.
 * @param sides the wire's two addresses, of one /30
 * @param sweeps whether what a process that died left goes first: not while another one of this instance may be trying
 */
export async function withOutside<T>(
  docker: Docker,
  instanceId: string,
  work: (outside: Outside) => Promise<T>,
  { sides = someSides(), sweeps = false }: { sides?: Sides; sweeps?: boolean } = {},
): Promise<T> {
  // Linux allows 15 characters; the worker and `slipway doctor` may try at once.
  const name = `${wirePrefix(instanceId)}${randomBytes(2).toString("hex")}`;
  const { hostSide, farSide } = sides;
  return await withFirewallHelper(docker, { instanceId, image: FIREWALL_IMAGE }, async (run) => {
    if (sweeps) await sweep(run, instanceId);
    try {
      await script(run, SET_UP, name, hostSide, farSide);
      return await work({
        address: farSide,
        count: async () => Number(await script(run, COUNT, name)),
      });
    } finally {
      await run(["busybox", "ip", "link", "del", name]);
    }
  });
}

/** Of 198.18.0.0/15, which is set aside for tests of networks; the probes' own networks are in 198.18. */
function someSides(): Sides {
  const [third = 0, fourth = 0] = randomBytes(2);
  const network = fourth & ~3;
  return { hostSide: `198.19.${third}.${network + 1}`, farSide: `198.19.${third}.${network + 2}` };
}

/** The other end's name is the kernel's to choose: `ip` shows it as `<name>@<other>`. */
const SET_UP = `
  set -e
  ip link add "$1" type veth
  other=$(ip link show "$1" | sed -n "s/^.*: $1@\\([^:]*\\):.*$/\\1/p")
  ip addr add "$2/30" dev "$1"
  ip link set "$1" up
  ip link set "$other" up
  arp -i "$1" -s "$3" ${FAR_MAC}
`;
const COUNT = `sed -n "s/^ *$1://p" /proc/net/dev | awk '{ print $10 }'`;

const SWEEP = `for name in $(ip link show | sed -n "s/^[0-9]*: \\($1[^@:]*\\)[@:].*$/\\1/p"); do ip link del "$name"; done`;

/** Removes what a process that died left. */
export async function removeWires(docker: Docker, instanceId: string): Promise<void> {
  const helper = { instanceId, image: FIREWALL_IMAGE };
  await withFirewallHelper(docker, helper, async (run) => await sweep(run, instanceId));
}

async function sweep(run: RunCommand, instanceId: string): Promise<void> {
  await script(run, SWEEP, wirePrefix(instanceId));
}

function wirePrefix(instanceId: string): string {
  return `so${instanceId}`;
}

async function script(run: RunCommand, text: string, ...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await run(["busybox", "sh", "-c", text, "sh", ...args]);
  if (exitCode !== 0) throw new Error(`A wire to try the firewall with could not be made: ${stderr.trim()}`);
  return stdout.trim();
}
