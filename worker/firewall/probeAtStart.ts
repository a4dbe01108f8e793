import type Docker from "dockerode";
import type { Clock } from "../clock.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { Log } from "../log.ts";
import { probeFirewall, type ProbeOutcome } from "./probe.ts";

/** Milliseconds until a firewall that did not hold is tried again. */
const AGAIN_MS = 60_000;

export const FIREWALL_FIX =
  "Another program's rules come before Slipway's: look at `iptables -S` and at nftables' tables, and restart Slipway.";

/**
 * Tries the firewall once, in the background, and again for as long as it does not hold.
 * @param ensure puts the rules back
 */
export function probeAtStart(
  { docker, instanceId, gateway, clock, log }: ProbeContext,
  ensure: () => Promise<void>,
): FirewallProbing {
  let problems: string[] = [];
  let found: ProbeOutcome[] | null = null;
  let cancel = () => {};
  let ended = false;
  let going: Promise<unknown> = Promise.resolve();
  const attempt = (sweeps = false) => {
    const made = attemptNow(sweeps);
    going = Promise.allSettled([going, made]);
    return made;
  };
  const attemptNow = async (sweeps: boolean) => {
    const outcomes = await probeFirewall(docker, instanceId, gateway, { sweeps });
    for (const outcome of outcomes) log("firewall-probe", outcome);
    problems = outcomes.filter(({ state }) => state === "broken").map(sentence);
    found = outcomes;
    return outcomes;
  };
  const look = async (sweeps = false) => {
    try {
      await attempt(sweeps);
      if (problems.length === 0) return;
      log("ISOLATION-BROKEN", { problems, hint: FIREWALL_FIX });
      await ensure();
    } catch (error) {
      log("firewall-probe-failed", { error });
    }
    if (!ended) cancel = clock.after(AGAIN_MS, () => void look());
  };
  void look(true);
  return {
    problems: () => problems,
    outcomes: () => found,
    attempt: () => attempt(),
    async end() {
      ended = true;
      cancel();
      await going;
    },
  };
}

export type FirewallProbing = {
  /** What is wrong now, as sentences. */
  problems: () => string[];
  /** What the last attempts showed; null before there were any. */
  outcomes: () => ProbeOutcome[] | null;
  /** Tries it now. @throws EngineError where the containers cannot be made */
  attempt: () => Promise<ProbeOutcome[]>;
  /** Tries no more. @returns when what it was trying is over, and its containers with it */
  end: () => Promise<void>;
};

export type ProbeContext = {
  docker: Docker;
  instanceId: string;
  gateway: Pick<Gateway, "probe">;
  clock: Clock;
  log: Log;
};

function sentence({ title, detail }: ProbeOutcome): string {
  return `The firewall does not hold (${title}): ${detail}.`;
}
