import { randomBytes } from "node:crypto";
import { connect, createServer, type Server } from "node:net";
import { networkInterfaces } from "node:os";
import type Docker from "dockerode";
import type { Gateway } from "../gateway/gateway.ts";
import { pause, realClock } from "../clock.ts";
import { commandsIn, type RunCommand } from "./helper.ts";
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
    return await Promise.all([
      gatewayReaches(gateway, world.sides),
      staysClosed("project → project", [
        { run: run(closed), from: "an internal network", to: open.address, port: PROBE_PORT },
        { run: run(open), from: "an open network", to: closed.address, port: PROBE_PORT },
      ]),
      hostTargets.length === 0
        ? unknown("project → host", "the host's services cannot be reached from this process either")
        : staysClosed(
            "project → host",
            hostTargets.flatMap((to) => [
              { run: run(closed), from: "an internal network", to, port: host.port },
              { run: run(open), from: "an open network", to, port: host.port },
            ]),
          ),
      hasNoWayOut({ docker, instanceId, sweeps }, run(closed), run(open)),
    ]);
  } finally {
    await Promise.all([world.end(), host.end()]);
  }
}

/** The probes' own positive control: whoever cannot reach itself proves nothing by not reaching others. */
async function answersItself(run: RunCommand, { address }: ProbeSide): Promise<void> {
  const deadline = Date.now() + ANSWERS_WITHIN_MS;
  while (!(await reaches(run, address, PROBE_PORT))) {
    if (Date.now() > deadline) {
      throw new Error("The containers that try the firewall do not even reach themselves.");
    }
    await pause(realClock, 20);
  }
}

async function reaches(run: RunCommand, address: string, port: number): Promise<boolean> {
  const command = ["busybox", "nc", "-w", String(TRY_SECONDS), address, String(port)];
  return (await run(command)).exitCode === 0;
}

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

type Attempt = { run: RunCommand; from: string; to: string; port: number };

async function staysClosed(title: string, attempts: readonly Attempt[]): Promise<ProbeOutcome> {
  const open = await Promise.all(
    attempts.map(async ({ run, from, to, port }) =>
      (await reaches(run, to, port)) ? [`${from} reaches ${to}:${port}`] : [],
    ),
  );
  const holes = open.flat();
  if (holes.length === 0) return { title, state: "holds", detail: `${attempts.length} attempts failed` };
  return { title, state: "broken", detail: holes.join("; ") };
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
