import { parseManifest, servicesOf } from "../../../core/manifest.ts";
import type { Instance } from "../../setup/instance.ts";
import { age } from "./age.ts";
import { table, type Output } from "./output.ts";
import { environmentUrl } from "./urls.ts";
import type { ProjectView } from "./views.ts";

const PHASE_STYLES = {
  running: "green",
  failed: "red",
  starting: "yellow",
  pending: "yellow",
  hibernated: "cyan",
  absent: "gray",
} as const;

/** A phase in the colour that people expect of it. */
export function stylePhase(style: Output["style"], phase: keyof typeof PHASE_STYLES): string {
  return style(PHASE_STYLES[phase], phase);
}

/** What `slipway project show` prints. */
export function describeProject(
  instance: Instance,
  view: ProjectView,
  nowMs: number,
  style: Output["style"],
): string {
  const facts: [string, string][] = [
    ["project", view.slug],
    ["name", view.name],
    ["id", view.projectId],
    ["namespace", view.namespace],
    ["status", `${view.status} for ${age(view.statusChangedAt, nowMs)}${reasonOf(view)}`],
    ["may move to", view.allowedNext.join(", ") || "nowhere"],
    ["host", view.host ?? "none yet"],
    ["services", Object.keys(servicesOf(view.manifest)).join(", ")],
    ...attachmentsOf(view),
    ["release", releaseOf(view)],
    ["created", `${age(view.createdAt, nowMs)} ago`],
  ];
  const environments = view.environments.map((environment) => [
    environment.kind,
    environment.desired,
    stylePhase(style, environment.phase),
    environment.phase === "running" ? environmentUrl(instance, view.namespace, environment.kind) : "-",
    environment.message || "-",
  ]);
  const ports = view.environments.flatMap(({ ports }) =>
    Object.entries(ports).map(([name, port]) => [name, `127.0.0.1:${port}`]),
  );
  const services = view.environments.flatMap(({ kind, services }) =>
    services.map(({ service, replica, state, health, containerId }) => [
      kind,
      `${service} ${replica}`,
      state,
      health,
      containerId,
    ]),
  );
  return [
    table(
      ["", ""],
      facts.map(([name, value]) => [style("dim", name), value]),
    ).trimStart(),
    table(["ENVIRONMENT", "DESIRED", "IS", "URL", "MESSAGE"], environments),
    ...(ports.length > 0 ? [table(["PORT", "AT"], ports)] : []),
    ...(services.length > 0 ? [table(["IN", "SERVICE", "STATE", "HEALTH", "CONTAINER"], services)] : []),
  ].join("\n\n");
}

/** `3 passed, snapshot 1f0c…, deployed is 2`: the newest release, and what deploy runs where that is another one. */
function releaseOf({ release, environments }: ProjectView): string {
  if (!release) return "none yet";
  const { number, state, message } = release;
  const deployed = environments.find(({ kind }) => kind === "deploy")?.release ?? null;
  const other = deployed === null || deployed === number ? "" : `; deploy runs release ${deployed}`;
  return `${number} ${state}: ${message.split(" Its last lines: ")[0]}${other}`;
}

function attachmentsOf({ manifest, group }: ProjectView): [string, string][] {
  const { attachments } = parseManifest(manifest);
  const attached = attachments.map(({ alias, image }) => (alias === image ? image : `${alias} (${image})`));
  return [
    ...(attached.length > 0 ? [["attachments", attached.join(", ")] as [string, string]] : []),
    ...(group === null ? [] : [["group", group] as [string, string]]),
  ];
}

function reasonOf({ statusReason }: ProjectView): string {
  return statusReason === null ? "" : ` (${statusReason})`;
}
