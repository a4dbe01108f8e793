import type { FunctionReturnType } from "convex/server";
import type { api } from "../../../convex/_generated/api.js";
import type { ReleaseState } from "../../../core/releases.ts";
import { age } from "./age.ts";
import { table, type Output } from "./output.ts";

type Release = NonNullable<FunctionReturnType<typeof api.releases.get>>;

const STATE_STYLES = {
  building: "yellow",
  testing: "yellow",
  passed: "green",
  failed: "red",
  untested: "cyan",
} as const;

/** A release's state in the colour that people expect of it. */
export function styleRelease(style: Output["style"], state: ReleaseState): string {
  return style(STATE_STYLES[state], state);
}

export function shortSnapshot({ snapshot }: Pick<Release, "snapshot">): string {
  return snapshot?.slice(0, 16) ?? "-";
}

/** What `slipway release show` prints. */
export function describeRelease(
  project: string,
  release: Release,
  nowMs: number,
  style: Output["style"],
): string {
  const { number, state, snapshot, files, bytes, createdAt, testedAt, result, message, output } = release;
  const facts: [string, string][] = [
    ["project", project],
    ["release", String(number)],
    ["state", styleRelease(style, state)],
    ["snapshot", snapshot ?? "not taken yet"],
    ["holds", files === null || bytes === null ? "-" : `${files} files, ${bytes} bytes`],
    ["made", `${age(createdAt, nowMs)} ago`],
    ["tested", testedAt === null ? "-" : `${age(testedAt, nowMs)} ago`],
    ["message", message],
  ];
  const services = (result?.services ?? []).map(({ service, replica, exitCode, durationMs }) => [
    `${service} ${replica}`,
    String(exitCode),
    `${(durationMs / 1000).toFixed(1)} s`,
  ]);
  return [
    table(
      ["", ""],
      facts.map(([name, value]) => [style("dim", name), value]),
    ).trimStart(),
    ...(services.length > 0 ? [table(["TEST SERVICE", "EXIT CODE", "TOOK"], services)] : []),
    ...(output === "" ? [] : [output]),
  ].join("\n\n");
}
