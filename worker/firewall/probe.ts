import { randomBytes } from "node:crypto";
import { connect, createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import type Docker from "dockerode";
import type { Gateway } from "../gateway/gateway.ts";
import { pause, realClock } from "../clock.ts";
import { commandsIn, type RunCommand } from "../engine/commandsIn.ts";
import { withOutside, type Outside } from "./outside.ts";
import { makeProbeWorld, PROBE_PORT, removeProbes, type ProbeSide } from "./probeWorld.ts";

/** What a real attempt showed: `unknown` where what must succeed beside it did not, so that its failing says nothing. */
export type ProbeOutcome = {
  title: string;
  state: "holds" | "broken" | "unknown";
  detail: string;
};

const ANSWERS_WITHIN_MS = 5_000;
const TRY_SECONDS = 1;

/**
 * Tries with real containers, on networks made like projects' and gone afterwards, what the firewall must allow and must
 * not: the rules may be there and mean nothing, where another program's rules come first.
 * @param sweeps whether what a process that died while it tried left goes first
 * @throws EngineError where the containers cannot be made
 */
export async function probeFirewall(
  docker: Docker,
  instanceId: string,
  gateway: Pick<Gateway, "probe">,
  { sweeps = false } = {},
): Promise<ProbeOutcome[]> {
  if (sweeps) await removeProbes(docker, instanceId);
  const [world, host] = await Promise.all([
    makeProbeWorld(docker, instanceId, randomBytes(3).toString("hex")),
    hostService(),
  ]);
  try {
    const [closed, open] = world.sides;
    const run = (side: ProbeSide) => commandsIn(docker, side.container);
    await Promise.all(world.sides.map((side) => answersItself(run(side), side)));
    const hostTargets = await host.targets(world.sides.map(({ hostAddress }) => hostAddress));
    const [atGateway, [projects, services], outside] = await Promise.all([
      gatewayReaches(gateway, world.sides),
      staysClosed(
        [
          { run: run(closed), from: "an internal network", project: open.address },
          { run: run(open), from: "an open network", project: closed.address },
        ],
        hostTargets.map((address) => `${address}:${host.port}`),
      ),
      hasNoWayOut({ docker, instanceId, sweeps }, run(closed), run(open)),
    ]);
    return [atGateway, projects, services, outside];
  } finally {
    await Promise.all([world.end(), host.end()]);
  }
}

/** The probes' own positive control: whoever cannot reach itself proves nothing by not reaching others. */
async function answersItself(run: RunCommand, { address }: ProbeSide): Promise<void> {
  const deadline = Date.now() + ANSWERS_WITHIN_MS;
  while ((await reached(run, [`${address}:${PROBE_PORT}`])).length === 0) {
    if (Date.now() > deadline) {
      throw new Error("The containers that try the firewall do not even reach themselves.");
    }
    await pause(realClock, 20);
  }
}

/** Tries all of them at once, by one command: to start one takes the engine longer than the attempt. @param targets `<address>:<port>` */
async function reached(run: RunCommand, targets: readonly string[]): Promise<string[]> {
  const { stdout } = await run(["busybox", "sh", "-c", REACH, "sh", ...targets]);
  return stdout.split("\n").filter(Boolean);
}

const REACH = `
  for target in "$@"; do
    { nc -w ${TRY_SECONDS} "\${target%:*}" "\${target##*:}" </dev/null >/dev/null 2>&1 && echo "$target"; } &
  done
  wait
`;

async function gatewayReaches(
  gateway: Pick<Gateway, "probe">,
  sides: readonly ProbeSide[],
): Promise<ProbeOutcome> {
  const title = "gateway → project";
  const answers = await Promise.all(
    sides.map(async ({ address }) => ({
      address,
      answer: await gateway.probe({ address, port: PROBE_PORT, path: "/", timeoutMs: 2_000 }),
    })),
  );
  const failed = answers.flatMap(({ address, answer }) =>
    answer.kind === "failed" ? [`${address}: ${answer.reason}`] : [],
  );
  if (failed.length === 0) return { title, state: "holds", detail: "the gateway reaches them" };
  return { title, state: "broken", detail: `the gateway does not reach a project (${failed.join("; ")})` };
}

/** One network's container, and the address of the other one's. */
type Attempt = { run: RunCommand; from: string; project: string };

/** @returns what became of the attempts to reach projects, and of those to reach `hostTargets` */
async function staysClosed(
  attempts: readonly Attempt[],
  hostTargets: readonly string[],
): Promise<[projects: ProbeOutcome, host: ProbeOutcome]> {
  const holes = await Promise.all(
    attempts.map(async ({ run, from, project }) => {
      const target = `${project}:${PROBE_PORT}`;
      const open = await reached(run, [target, ...hostTargets]);
      return open.map((to) => ({ isHost: to !== target, text: `${from} reaches ${to}` }));
    }),
  );
  const outcome = (title: string, isHost: boolean, count: number): ProbeOutcome => {
    const found = holes.flat().filter((hole) => hole.isHost === isHost);
    if (found.length === 0) return { title, state: "holds", detail: `${count} attempts failed` };
    return { title, state: "broken", detail: found.map(({ text }) => text).join("; ") };
  };
  return [
    outcome("project → project", false, attempts.length),
    hostTargets.length === 0
      ? unknown("project → host", "the host's services cannot be reached from this process either")
      : outcome("project → host", true, attempts.length * hostTargets.length),
  ];
}

/** Nothing leaves the machine for this: what is sent to the stand-in ends there. */
async function hasNoWayOut(
  { docker, instanceId, sweeps }: { docker: Docker; instanceId: string; sweeps: boolean },
  closed: RunCommand,
  open: RunCommand,
): Promise<ProbeOutcome> {
  const title = "egress: none";
  const tryIt = async ({ address, count }: Outside): Promise<ProbeOutcome> => {
    const send = async (run: RunCommand) => {
      const before = await count();
      await run(["busybox", "sh", "-c", SEND, "sh", address]);
      return (await count()) - before;
    };
    // One after the other: one counter counts for both.
    const [fromClosed, fromOpen] = [await send(closed), await send(open)];
    if (fromOpen < SENT) return unknown(title, `of ${SENT} packets from an open network ${fromOpen} got out`);
    return fromClosed < SENT / 2
      ? { title, state: "holds" as const, detail: `of ${SENT} packets none got out` }
      : { title, state: "broken" as const, detail: "an internal network has a way out" };
  };
  return await withOutside(docker, instanceId, tryIt, { sweeps });
}

/** More than what the kernel sends of its own accord on a new interface. */
const SENT = 40;
const SEND = `
  i=0
  while [ $i -lt ${SENT} ]; do
    nc -w 1 "$1" 9 >/dev/null 2>&1 </dev/null &
    i=$((i + 1))
  done
  usleep 200000
`;

function unknown(title: string, detail: string): ProbeOutcome {
  return { title, state: "unknown", detail };
}

/** A service of the host's that greets whoever connects, on all addresses. */
async function hostService(): Promise<{
  port: number;
  /** Of the host's addresses those at which it can be reached. */
  targets: (bridges: readonly string[]) => Promise<string[]>;
  end: () => Promise<void>;
}> {
  const server: Server = createServer((socket) => socket.on("error", () => undefined).end("hello"));
  const port = await new Promise<number>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "0.0.0.0", () => resolve((server.address() as { port: number }).port));
  });
  const own = Object.entries(networkInterfaces())
    .filter(([name]) => !/^(lo|br-|sw|sg|veth)/.test(name))
    .flatMap(([, addresses]) => addresses ?? [])
    .filter(({ family }) => family === "IPv4")
    .map(({ address }) => address)
    .slice(0, 3);
  return {
    port,
    async targets(bridges) {
      const candidates = [...new Set([...bridges, ...own])];
      const open = await Promise.all(candidates.map(async (address) => await answers(address, port)));
      return candidates.filter((_, index) => open[index]);
    },
    end: async () => await new Promise((resolve) => server.close(() => resolve())),
  };
}

async function answers(address: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 1_000 });
    const end = (open: boolean) => {
      socket.destroy();
      resolve(open);
    };
    socket
      .on("connect", () => end(true))
      .on("timeout", () => end(false))
      .on("error", () => end(false));
  });
}
