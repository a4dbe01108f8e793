import type { FunctionReturnType } from "convex/server";
import type { api } from "../../../convex/_generated/api";

/** What hosts' workers found, what matters first. */

export type HostChecks = Pick<FunctionReturnType<typeof api.hosts.listHosts>[number], "name" | "checks">;
export type Finding = HostChecks["checks"]["findings"][number];

const ORDER: Finding["state"][] = ["failed", "warning", "skipped", "ok"];

/** Failed ones first, then warnings; of one kind in the order that they were made. */
export function byGravity(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state));
}

export function countOf(findings: readonly Finding[], state: Finding["state"]): number {
  return findings.filter((finding) => finding.state === state).length;
}

/** `1 failed, 2 warnings, 12 fine`; null where nothing was checked. */
export function summaryOf(findings: readonly Finding[]): string | null {
  if (findings.length === 0) return null;
  const failed = countOf(findings, "failed");
  const warnings = countOf(findings, "warning");
  const skipped = countOf(findings, "skipped");
  const ok = countOf(findings, "ok");
  return [
    failed > 0 && `${failed} failed`,
    warnings > 0 && `${warnings} ${warnings === 1 ? "warning" : "warnings"}`,
    skipped > 0 && `${skipped} skipped`,
    `${ok} fine`,
  ]
    .filter(Boolean)
    .join(", ");
}

/** What a part of the system is said to be: the worst of its findings; null: nobody looked at it. */
export function stateOf(findings: readonly Finding[], titles: readonly string[]): Finding | null {
  return byGravity(findings.filter(({ title }) => titles.includes(title)))[0] ?? null;
}
