import { SlipwayError } from "../../core/errors.ts";
import { startOf } from "../../core/text.ts";
import { pause, realClock } from "../clock.ts";
import type { RunCommand } from "../engine/commandsIn.ts";
import { isRearranged, parseSave, planFirewall, planRemoval, type Table } from "./plan.ts";
import { desiredChains, forwardChainName, inputChainName, type Chain, type Family } from "./rules.ts";

/** The two ways to the kernel; rules of both count, so every one that the engine uses gets ours. */
export type Backend = "nft" | "legacy";

/** Seconds that iptables-legacy waits for another one to finish. */
const WAIT_SECONDS = "10";
/**
 * The engine, and every other instance, may change the table between a look and a change: iptables-nft knows no lock, and
 * an engine that makes a network takes its jump to DOCKER-USER out and puts it in again.
 */
const TRIES = 12;
const LONGEST_PAUSE_MS = 400;
/** What an engine is in the middle of is over within milliseconds; what stays so is wrong. */
const LOOKS = 4;
const BETWEEN_LOOKS_MS = 100;

/** What the machine has: of each way to the kernel that it uses, and of each family of addresses, the filter table. */
export type Rules = { backend: Backend; family: Family; table: Table }[];

/**
 * All in one command, because to start one in a container takes much longer than what it does. Asking iptables-legacy
 * creates its tables, so it is only asked where the kernel says that they are there.
 */
const LOOK = `
  backends=nft
  busybox grep -qx filter /proc/net/ip_tables_names 2>/dev/null && backends="nft legacy"
  families=iptables
  [ -n "$(busybox cat /proc/net/if_inet6 2>/dev/null)" ] && families="iptables ip6tables"
  for backend in $backends; do
    for family in $families; do
      echo "=== $family-$backend-save"
      "$family-$backend-save" -t filter || exit
    done
  done
`;

/** @throws SlipwayError `docker` */
export async function readRules(run: RunCommand): Promise<Rules> {
  const { exitCode, stdout, stderr } = await run(["busybox", "sh", "-c", LOOK]);
  const parts = stdout.split(/^=== (.*)\n/m).slice(1);
  const rules: Rules = [];
  for (const [index, name] of parts.entries()) {
    if (index % 2 === 1) continue;
    const family = name.startsWith("ip6tables") ? "ipv6" : "ipv4";
    const backend = name.endsWith("legacy-save") ? "legacy" : "nft";
    rules.push({ backend, family, table: parseSave(parts[index + 1] ?? "") });
  }
  if (exitCode !== 0) throw commandFailed([parts.at(-2) ?? "busybox sh"], exitCode, stderr);
  return rules;
}

/**
 * Makes one instance's chains as they should be in one table.
 * @param known the table as it was read a moment ago
 * @returns what was wrong and is set now, each a sentence
 * @throws SlipwayError `docker` where iptables refuses every time
 */
export async function ensureRules(
  run: RunCommand,
  instanceId: string,
  backend: Backend,
  family: Family,
  known?: Table,
): Promise<string[]> {
  const done = new Set<string>();
  await untilTaken(run, { backend, family, known }, (table) => {
    const { problems, restore } = planFirewall(table, chainsFor(instanceId, family, table));
    for (const problem of problems) done.add(`${family}, iptables-${backend}: ${problem} Set.`);
    return restore;
  });
  return [...done];
}

/**
 * @param known the table as it was read a moment ago
 * @returns what is wrong with an instance's chains in one table, each a sentence
 */
export async function checkRules(
  run: RunCommand,
  instanceId: string,
  backend: Backend,
  family: Family,
  known?: Table,
): Promise<string[]> {
  const table = await readSettled(run, { backend, family, known });
  const { problems } = planFirewall(table, chainsFor(instanceId, family, table));
  return problems.map((problem) => `${family}, iptables-${backend}: ${problem}`);
}

/** Takes an instance's chains, and the jumps to them, out of one table. @returns whether there was anything */
export async function removeRules(
  run: RunCommand,
  instanceId: string,
  backend: Backend,
  family: Family,
  known?: Table,
): Promise<boolean> {
  const names = [forwardChainName(instanceId), inputChainName(instanceId)];
  return await untilTaken(run, { backend, family, known }, (table) => planRemoval(table, names));
}

/** @throws SlipwayError `docker` */
export async function readTable(run: RunCommand, backend: Backend, family: Family): Promise<Table> {
  const command = [program(backend, family, "save"), "-t", "filter"];
  const { exitCode, stdout, stderr } = await run(command);
  if (exitCode !== 0) throw commandFailed(command, exitCode, stderr);
  return parseSave(stdout);
}

type Place = { backend: Backend; family: Family; known?: Table | undefined };

/** The table as it is when the engine is not just putting its own rules in order. */
async function readSettled(run: RunCommand, { backend, family, known }: Place): Promise<Table> {
  for (let look = 1; ; look += 1) {
    const table = (look === 1 && known) || (await readTable(run, backend, family));
    if (look === LOOKS || !isRearranged(table)) return table;
    await pause(realClock, BETWEEN_LOOKS_MS);
  }
}

/**
 * Looks at the table, and changes it as `plan` says; where the change is refused, looks again.
 * @param plan iptables-restore's input for that table; null where there is nothing to change
 * @returns whether anything was changed
 */
async function untilTaken(
  run: RunCommand,
  { backend, family, known }: Place,
  plan: (table: Table) => string | null,
): Promise<boolean> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const input = plan(
        await readSettled(run, { backend, family, known: attempt === 1 ? known : undefined }),
      );
      if (input === null) return attempt > 1;
      await restore(run, backend, family, input);
      return true;
    } catch (error) {
      if (attempt >= TRIES || !(error instanceof SlipwayError) || error.data.code !== "docker") throw error;
    }
    await pause(realClock, Math.random() * LONGEST_PAUSE_MS);
  }
}

function chainsFor(instanceId: string, family: Family, table: Table): Chain[] {
  return desiredChains(instanceId, family, table.has("DOCKER-USER") ? "DOCKER-USER" : "FORWARD");
}

function program(backend: Backend, family: Family, action: "save" | "restore"): string {
  return `${family === "ipv6" ? "ip6tables" : "iptables"}-${backend}-${action}`;
}

async function restore(run: RunCommand, backend: Backend, family: Family, input: string): Promise<void> {
  const command = [program(backend, family, "restore"), "--noflush", "--wait", WAIT_SECONDS];
  const { exitCode, stderr } = await run(command, input);
  if (exitCode !== 0) throw commandFailed(command, exitCode, stderr);
}

function commandFailed(command: readonly string[], exitCode: number, stderr: string): SlipwayError {
  const said = startOf(stderr.trim().replace(/\s+/g, " "), 500) || "it said nothing";
  return new SlipwayError({
    code: "docker",
    message: `${command[0]} failed (${exitCode}): ${said}`,
    hint: "Look at the machine's firewall: another program may have removed Docker's chains. Restarting the engine makes them anew.",
  });
}
