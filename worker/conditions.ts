import { causeChain, SlipwayError } from "../core/errors.ts";
import {
  CONDITION_TYPES,
  type Condition,
  type ConditionType,
  type EnvironmentObservation,
  type Phase,
  type ServiceObservation,
} from "../core/projectSpec.ts";
import { LABELS } from "../core/labels.ts";
import { environmentPath } from "../core/routes.ts";
import { formatSize } from "../core/units.ts";
import { EngineError } from "./engine/engineError.ts";
import type { Failure } from "./execute.ts";
import { ENDED_REASONS, passedMessage, releaseProblem } from "./releaseVerdicts.ts";
import { serviceContainers, type SeenEnvironment } from "./seen.ts";

/** How long a started container may take until it answers. */
export const START_LIMIT_MS = 120_000;

/** All that is known of an environment at the end of a turn. */
export type Findings = {
  namespace: string;
  seen: SeenEnvironment;
  /** Why the project could not be rendered. */
  renderError: unknown;
  /** What failed for this environment. */
  failures: readonly Failure[];
  /** Containers that are kept from running, by name, and why. */
  held: ReadonlyMap<string, string>;
  /** Containers that are kept from running because a volume of theirs holds more than it may, by name, and why. */
  overfull: ReadonlyMap<string, string>;
  /** Why volumes can have no hard size on this host; null where they can. */
  unsized: string | null;
  /** The last lines that failed containers wrote, by name. */
  logs: ReadonlyMap<string, string>;
  /** Why the gateway did not take the routes. */
  routeError: unknown;
  /** The environment waits for a snapshot; with why it could not be taken, where it could not. */
  snapshot?: { error: unknown } | null;
  /** Images that are being pulled or made right now. */
  fetching?: readonly string[];
  /** The attachment of its group's that services wait for; null: none. */
  awaited?: string | null;
  /** How the environment hibernates. */
  hibernate: "stop" | "pause";
  /** Whether the attempts are used up. */
  exhausted: boolean;
  before: readonly Condition[];
  /** ms since 1970 */
  now: number;
};

export type Verdict = { status: Condition["status"]; reason: string; message: string };

const UNKNOWN: Verdict = { status: "unknown", reason: "NotWanted", message: "" };

/** What the control plane is told of one environment. Pure. */
export function conditionsOf(findings: Findings): EnvironmentObservation {
  const { seen, namespace, before, now } = findings;
  const { kind, desired, generation } = seen.spec;
  const verdicts = desired === "running" ? runningVerdicts(findings) : restingVerdicts(findings);
  const phase = phaseOf(findings, verdicts);
  const conditions = CONDITION_TYPES.map((type): Condition => {
    const verdict = verdicts[type] ?? UNKNOWN;
    const earlier = before.find((condition) => condition.type === type);
    const same = earlier?.status === verdict.status;
    return { type, ...verdict, changedAt: same ? earlier.changedAt : now };
  });
  return {
    kind,
    observedGeneration: generation,
    phase,
    conditions,
    services: serviceContainers(seen).map(serviceOf),
    endpoints:
      phase === "absent" || seen.replicas.some(({ service }) => service.job)
        ? []
        : [`${environmentPath(namespace, kind)}/`],
    message: firstMessage(conditions, phase === desired ? "true" : "false"),
  };
}

/** What can be told of an environment while Docker cannot be looked at: that, and what was known before. */
export function blindObservation(
  kind: EnvironmentObservation["kind"],
  observedGeneration: number,
  error: unknown,
  last: EnvironmentObservation | undefined,
): EnvironmentObservation {
  return {
    kind,
    observedGeneration,
    phase: "failed",
    conditions: (last?.conditions ?? []).map((condition) => ({ ...condition, status: "unknown" })),
    services: last?.services ?? [],
    endpoints: last?.endpoints ?? [],
    message: explain(error),
  };
}

function firstMessage(conditions: readonly Condition[], wanted: Condition["status"]): string {
  return conditions.find(({ status, message }) => status === wanted && message !== "")?.message ?? "";
}

/** What a person should read first of an error: what happened, why, what to do. */
export function explain(error: unknown): string {
  const [first = "Something failed.", ...causes] = causeChain(error).filter(
    (line, index, lines) => !lines.slice(0, index).some((earlier) => earlier.includes(line)),
  );
  const hint = error instanceof SlipwayError ? error.data.hint : undefined;
  const because = causes
    .slice(0, 3)
    .map((cause) => ` (${cause.replace(/^\(HTTP code \d+\) [a-z ]+ - /, "").trim()})`);
  return `${first}${because.join("")}${/[.!?]$/.test(first) ? "" : "."}${hint ? ` ${hint}` : ""}`.slice(
    0,
    1000,
  );
}

function runningVerdicts(findings: Findings): Partial<Record<ConditionType, Verdict>> {
  const { seen, renderError, failures, held, logs, routeError } = findings;
  if (renderError != null || !seen.rendered) {
    return { Rendered: no("RenderFailed", explain(renderError ?? new Error("There is nothing to render."))) };
  }
  const failed = (...whats: string[]) => failures.find(({ operation }) => whats.includes(operation.do));
  const image = failures.find(
    ({ operation, error }) =>
      operation.do === "pull image" || (error instanceof EngineError && error.fault === "image_missing"),
  );
  const network = failed("create network", "remove network", "connect");
  const volume = failed("create volume", "grow volume", "remove volume");
  const other = failures.find((failure) => ![image, network, volume].includes(failure));
  const { replicas } = seen;
  const down = replicas.filter(({ container, ready }) => container?.state !== "running" && !ready);
  // Of a release the result says how its tests ended; it is told as soon as all of them have.
  const failedJob = seen.spec.release
    ? undefined
    : down.find(({ service, container }) => service.job && container?.state === "exited");
  const release = releaseProblem(findings);
  const overfullReplica = replicas.find(({ name }) => findings.overfull.has(name));
  const heldReplica = replicas.find(({ name }) => held.has(name));
  const unready = replicas.filter(({ ready }) => !ready);
  const undone = seen.rollout?.memory.phase === "undone" ? seen.rollout.memory.cause : null;
  return {
    Rendered: yes("Rendered"),
    ImagesReady: image
      ? no(reasonOf(image.error), explain(image.error))
      : imagesVerdict(findings.fetching ?? []),
    NetworkReady: network ? no(reasonOf(network.error), explain(network.error)) : yes("NetworksPresent"),
    VolumesReady: volumesVerdict(findings, volume),
    Running: undone
      ? no("RolledBack", undone)
      : overfullReplica
        ? no(
            "VolumeFull",
            `${overfullReplica.service.service} was stopped: ${findings.overfull.get(overfullReplica.name)}. Remove files from it, or raise environments.${seen.spec.kind}.disk; it is started again as soon as it fits.`,
          )
        : heldReplica
          ? no(
              "CrashLoop",
              `${heldReplica.service.service} was stopped: ${held.get(heldReplica.name)}.${logLines(logs, heldReplica.name)} It is started again in a few minutes, or at once after a change.`,
            )
          : release
            ? release
            : failedJob
              ? no(
                  "TestsFailed",
                  `${failedJob.service.service} ended with ${failedJob.container?.exitCode ?? "no exit code"}.${logLines(logs, failedJob.name)}`,
                )
              : other
                ? no(reasonOf(other.error), explain(other.error))
                : down.length > 0
                  ? no("Starting", `${names(down)}: not running yet.${waitingFor(findings)}`)
                  : yes("AllRunning"),
    Healthy:
      unready.length > 0
        ? unhealthy(unready, logs)
        : yes(
            replicas.some(({ service }) => service.job) ? "TestsPassed" : "AllAnswer",
            passedMessage(findings),
          ),
    Routed:
      routeError != null
        ? no("GatewayRefused", explain(routeError))
        : unready.length === replicas.length
          ? no("NothingToServe", "No container answers yet.")
          : yes("Serving"),
  };
}

/** Volumes of another size than is wanted do not keep an environment from running, but people are told. */
function volumesVerdict({ seen, unsized }: Findings, failure: Failure | undefined): Verdict {
  if (failure) return no(reasonOf(failure.error), explain(failure.error));
  const has = new Map(seen.found.volumes.map(({ name, sizeBytes }) => [name, sizeBytes ?? null]));
  const sized = (seen.rendered?.volumes ?? []).filter(({ name }) => has.has(name));
  const shrunk = sized.find(({ name, sizeBytes }) => sizeBytes !== null && sizeBytes < (has.get(name) ?? 0));
  if (shrunk) {
    return note(
      "ShrinkRefused",
      `${shrunk.name} keeps its ${formatSize(has.get(shrunk.name) ?? 0)}: a volume is never made smaller, as what it holds might not fit ${formatSize(shrunk.sizeBytes ?? 0)}.`,
    );
  }
  const watched = sized.find(({ name, sizeBytes }) => sizeBytes !== null && has.get(name) === null);
  if (watched && unsized !== null) {
    return note(
      "SizeWatched",
      `The ${formatSize(watched.sizeBytes ?? 0)} of ${watched.name} are watched, not enforced: ${unsized}.`,
    );
  }
  return yes("VolumesPresent");
}

function restingVerdicts({ seen, failures }: Findings): Partial<Record<ConditionType, Verdict>> {
  const [failure] = failures;
  const running = serviceContainers(seen).filter(({ state }) => state === "running");
  return {
    Running: failure
      ? no(reasonOf(failure.error), explain(failure.error))
      : running.length > 0
        ? { status: "true", reason: "Stopping", message: "Containers are still running." }
        : no("NotWanted", ""),
    Routed: no("NotWanted", ""),
  };
}

function imagesVerdict(fetching: readonly string[]): Verdict {
  if (fetching.length === 0) return yes("ImagesPresent");
  const own = fetching.some((image) => image.startsWith("slipway/"));
  return own
    ? no(
        "Building",
        `${fetching.join(", ")}: being made for the first time here, which takes a minute or two.`,
      )
    : no("Pulling", `${fetching.join(", ")}: being pulled.`);
}

/** Whom services wait for before they start. */
function waitingFor({ seen, awaited }: Findings): string {
  const silent = seen.replicas.filter(({ service, ready }) => service.attachment && !ready);
  const names = [...(awaited ? [awaited] : []), ...silent.map(({ service }) => service.service)];
  return names.length === 0 ? "" : ` Services start once ${names.join(", ")} can be used.`;
}

function unhealthy(unready: SeenEnvironment["replicas"], logs: ReadonlyMap<string, string>): Verdict {
  const slow = unready.find(({ waitingMs }) => waitingMs >= START_LIMIT_MS);
  const sick = unready.find(({ container }) => container?.health === "unhealthy");
  const worst = slow ?? sick;
  if (!worst) {
    const jobs = unready.every(({ service }) => service.job);
    return no("Starting", `${names(unready)}: ${jobs ? "still at work" : "not answering yet"}.`);
  }
  const { service, name } = worst;
  const question =
    service.readyPath === null ? `port ${service.port}` : `${service.readyPath} on port ${service.port}`;
  return slow
    ? no(
        "StartDeadline",
        `${service.service} runs but has not answered ${question} within ${START_LIMIT_MS / 60_000} minutes.${logLines(logs, name)}`,
      )
    : no("Unhealthy", `${service.service} fails its health check.${logLines(logs, name)}`);
}

function phaseOf(
  { seen, hibernate, exhausted, failures, routeError, renderError, snapshot }: Findings,
  verdicts: Partial<Record<ConditionType, Verdict>>,
): Phase {
  const { desired, keepVolumes } = seen.spec;
  if ((failures.length > 0 || snapshot?.error != null) && exhausted) return "failed";
  switch (desired) {
    case "absent": {
      const left = seen.found.containers.length + seen.found.networks.length;
      return left + (keepVolumes ? 0 : seen.found.volumes.length) === 0 ? "absent" : "pending";
    }
    case "hibernated":
      return serviceContainers(seen).some(
        ({ state }) => state === "running" || (state === "paused" && hibernate === "stop"),
      )
        ? "pending"
        : "hibernated";
    case "running":
      if (renderError != null) return "failed";
      if (
        verdicts.Running?.reason === "VolumeFull" ||
        verdicts.Running?.reason === "CrashLoop" ||
        verdicts.Running?.reason === "RolledBack" ||
        ENDED_REASONS.has(verdicts.Running?.reason ?? "") ||
        verdicts.Healthy?.reason === "StartDeadline"
      )
        return "failed";
      if (routeError != null && exhausted) return "failed";
      if (Object.values(verdicts).every(({ status }) => status === "true")) return "running";
      return serviceContainers(seen).length > 0 ? "starting" : "pending";
  }
}

function serviceOf(container: ReturnType<typeof serviceContainers>[number]): ServiceObservation {
  const { state } = container;
  return {
    service: container.labels[LABELS.service] ?? container.name,
    replica: Number(container.labels[LABELS.replica] ?? 1),
    containerId: container.id.slice(0, 12),
    state: state === "removing" ? "dead" : state,
    health: container.health,
    exitCode: container.exitCode,
  };
}

export function reasonOf(error: unknown): string {
  const word =
    error instanceof EngineError ? error.fault : error instanceof SlipwayError ? error.data.code : "failed";
  return word.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function names(replicas: SeenEnvironment["replicas"]): string {
  return [...new Set(replicas.map(({ service }) => service.service))].join(", ");
}

function logLines(logs: ReadonlyMap<string, string>, name: string): string {
  const text = logs.get(name)?.trim();
  return text ? ` Its last lines: ${text.split("\n").slice(-5).join(" | ").slice(-500)}` : "";
}

function yes(reason: string, message = ""): Verdict {
  return { status: "true", reason, message };
}

/** As it should be, but there is something to know. */
function note(reason: string, message: string): Verdict {
  return { status: "true", reason, message };
}

function no(reason: string, message: string): Verdict {
  return { status: "false", reason, message };
}
