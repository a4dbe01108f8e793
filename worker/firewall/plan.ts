import { OWN_CHAIN, type Chain } from "./rules.ts";

/** What is wrong with the rules that are there, as sentences; and the iptables-restore input that mends it. */
export type FirewallPlan = { problems: string[]; restore: string | null };

const USER_CHAIN = "DOCKER-USER";
/** A rule that leads into a chain of the engine's own. */
const ENGINE_CHAIN = /-j (DOCKER(?!-USER$)\S*)$/;
const NO_PLAN = { problems: [], lines: [] };

/** The rules of each chain in the filter table, in order, from iptables-save's text. */
export type Table = Map<string, string[]>;

export function parseSave(text: string): Table {
  const table: Table = new Map();
  for (const line of text.split("\n")) {
    const chain = /^:(\S+) /.exec(line)?.[1];
    if (chain) table.set(chain, table.get(chain) ?? []);
    const rule = /^-A (\S+) ?(.*)$/.exec(line);
    if (rule?.[1] !== undefined) table.set(rule[1], [...(table.get(rule[1]) ?? []), rule[2] ?? ""]);
  }
  return table;
}

/**
 * Compares `table` with `desired`. The jump to a chain of ours has to come before everything but other instances' jumps,
 * because an ACCEPT before it would decide. One input replaces all at once: there is no instant without rules.
 */
export function planFirewall(table: Table, desired: readonly Chain[]): FirewallPlan {
  const way = desired.some(({ parent }) => parent === USER_CHAIN) ? wayToUserChain(table) : NO_PLAN;
  const problems = [...way.problems, ...desired.flatMap((chain) => problemsOf(table, chain))];
  if (problems.length === 0) return { problems, restore: null };
  const lines = [
    ...way.lines,
    ...desired.map((chain) => `:${chain.name} - [0:0]`),
    // Declaring a chain of one's own empties it; a jump has to be taken out by hand before it is put first.
    ...desired.flatMap((chain) => [
      ...jumpsTo(table, chain).map(() => `-D ${chain.parent} -j ${chain.name}`),
      `-I ${chain.parent} 1 -j ${chain.name}`,
    ]),
    ...desired.flatMap((chain) => chain.rules.map((rule) => `-A ${chain.name} ${rule}`)),
  ];
  return { problems, restore: restoreInput(lines) };
}

/**
 * Docker means its DOCKER-USER to come before its own chains, but an engine that restarts and keeps its containers alive
 * (live-restore, seen with 20.10) puts its isolation before it, which drops what our rules let through.
 */
function wayToUserChain(table: Table): { problems: string[]; lines: string[] } {
  const forward = table.get("FORWARD") ?? [];
  const at = forward.indexOf(`-j ${USER_CHAIN}`);
  const other = forward.findIndex((rule) => ENGINE_CHAIN.test(rule));
  if (at !== -1 && (other === -1 || at < other)) return NO_PLAN;

  const inserted = `-I FORWARD 1 -j ${USER_CHAIN}`;
  if (at === -1) return { problems: [`FORWARD does not jump to ${USER_CHAIN}.`], lines: [inserted] };
  const first = ENGINE_CHAIN.exec(forward[other] ?? "")?.[1];
  return {
    problems: [`FORWARD jumps to ${USER_CHAIN} only after ${first}.`],
    lines: [`-D FORWARD -j ${USER_CHAIN}`, inserted],
  };
}

/** Whether the engine's way to DOCKER-USER is not as it should be: for an instant, or for good. */
export function isRearranged(table: Table): boolean {
  return table.has(USER_CHAIN) && wayToUserChain(table).problems.length > 0;
}

/** The input that takes `names` and every jump to them away; null where nothing of them is there. */
export function planRemoval(table: Table, names: readonly string[]): string | null {
  const there = names.filter((name) => table.has(name));
  if (there.length === 0) return null;
  const jumps = [...table].flatMap(([parent, rules]) =>
    rules.filter((rule) => there.some((name) => rule === `-j ${name}`)).map((rule) => `-D ${parent} ${rule}`),
  );
  return restoreInput([...jumps, ...there.flatMap((name) => [`-F ${name}`, `-X ${name}`])]);
}

function problemsOf(table: Table, chain: Chain): string[] {
  const rules = table.get(chain.name);
  const problems: string[] = [];
  if (!rules) problems.push(`The chain ${chain.name} is missing.`);
  else if (rules.join("\n") !== chain.rules.join("\n")) {
    const missing = chain.rules.find((rule) => !rules.includes(rule));
    problems.push(
      `The chain ${chain.name} is not as it should be${missing ? `: it lacks "${missing}"` : ""}.`,
    );
  }
  const before = (table.get(chain.parent) ?? []).findIndex(
    (rule) => !OWN_CHAIN.test(rule.replace(/^-j /, "")),
  );
  const leading = (table.get(chain.parent) ?? []).slice(0, before === -1 ? undefined : before);
  const jumps = jumpsTo(table, chain);
  if (jumps.length === 0) problems.push(`${chain.parent} does not jump to ${chain.name}.`);
  else if (jumps.length > 1) problems.push(`${chain.parent} jumps to ${chain.name} ${jumps.length} times.`);
  else if (!leading.includes(`-j ${chain.name}`)) {
    problems.push(`${chain.parent} jumps to ${chain.name} only after other rules.`);
  }
  return problems;
}

function jumpsTo(table: Table, chain: Chain): string[] {
  return (table.get(chain.parent) ?? []).filter((rule) => rule === `-j ${chain.name}`);
}

function restoreInput(lines: readonly string[]): string {
  return ["*filter", ...lines, "COMMIT", ""].join("\n");
}
