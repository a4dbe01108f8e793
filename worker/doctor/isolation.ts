import type Docker from "dockerode";
import { checkFirewall } from "../firewall/firewall.ts";
import type { ProbeOutcome } from "../firewall/probe.ts";
import { FIREWALL_FIX } from "../firewall/probeAtStart.ts";
import { failed, NO_ENGINE, ok, skipped, START, warning, type Check, type Finding } from "./check.ts";

/** Checks of what keeps projects apart: the firewall's rules, real attempts to get past them, and volumes' sizes. */

export type IsolationCheckContext = {
  docker: Docker | null;
  instanceId: string;
  /** Real attempts from real containers; `why` there are none. */
  attempts: () => Promise<{ outcomes: readonly ProbeOutcome[] } | { why: string }>;
  /** Why volumes cannot have a hard size here; null: they have. */
  noDisks: () => Promise<string | null>;
};

export function isolationChecks(context: IsolationCheckContext): Check[] {
  const withEngine = (title: string, run: () => Promise<Finding>): Check => ({
    title,
    run: async () => (context.docker ? await run() : skipped(NO_ENGINE)),
  });
  return [
    withEngine("firewall", async () => await firewall(context)),
    withEngine("isolation", async () => await isolation(context)),
    withEngine("volume sizes", async () => await volumeSizes(context)),
  ];
}

async function firewall({ docker, instanceId }: IsolationCheckContext): Promise<Finding> {
  const { findings, backends } = await checkFirewall(docker!, { instanceId });
  if (findings.length === 0) return ok(`rules in place (iptables-${backends.join(", iptables-")})`);
  return failed(findings.join(" "), `${START}: the worker puts its rules back.`);
}

/** Rules that are in place may still mean nothing. */
async function isolation({ attempts }: IsolationCheckContext): Promise<Finding> {
  const tried = await attempts();
  if ("why" in tried) return skipped(tried.why);
  const { outcomes } = tried;
  const told = (state: ProbeOutcome["state"]) =>
    outcomes.filter((outcome) => outcome.state === state).map(({ title, detail }) => `${title}: ${detail}`);
  const [broken, unclear] = [told("broken"), told("unknown")];
  if (broken.length > 0) return failed(broken.join("; "), FIREWALL_FIX);
  if (unclear.length > 0)
    return warning(unclear.join("; "), "Run it again; where it stays so, run it as root.");
  return ok(`tried and holds: ${outcomes.map(({ title }) => title).join(", ")}`);
}

async function volumeSizes({ noDisks }: IsolationCheckContext): Promise<Finding> {
  const why = await noDisks();
  if (why === null) return ok("hard: each volume has a disk of its own");
  return warning(
    `only watched: ${why}`,
    "Run Slipway as root on the engine's own Linux machine, with e2fsprogs and loop devices, for sizes that hold.",
  );
}
