import type { SeenEnvironment } from "../seen.ts";
import type { Failure } from "../execute.ts";
import { explain, reasonOf } from "./explain.ts";
import { START_LIMIT_MS, type Findings } from "./findings.ts";
import { logLines, serviceNames } from "./nameReplicas.ts";
import { passedMessage, releaseProblem } from "./releaseVerdicts.ts";
import { no, yes, type Verdict } from "./verdict.ts";

/**
 * Whether the containers run; the first of all that may keep them from it is what a person should read.
 * @param failure of an operation that no other condition speaks of
 */
export function runsVerdict(findings: Findings, failure: Failure | undefined): Verdict {
  const { seen, held, overfull, logs } = findings;
  const { replicas } = seen;
  const undone = seen.rollout?.memory.phase === "undone" ? seen.rollout.memory.cause : null;
  if (undone) return no("RolledBack", undone);
  const overfullReplica = replicas.find(({ name }) => overfull.has(name));
  if (overfullReplica) {
    return no(
      "VolumeFull",
      `${overfullReplica.service.service} was stopped: ${overfull.get(overfullReplica.name)}. Remove files from it, or raise environments.${seen.spec.kind}.disk; it is started again as soon as it fits.`,
    );
  }
  const heldReplica = replicas.find(({ name }) => held.has(name));
  if (heldReplica) {
    return no(
      "CrashLoop",
      `${heldReplica.service.service} was stopped: ${held.get(heldReplica.name)}.${logLines(logs, heldReplica.name)} It is started again in a few minutes, or at once after a change.`,
    );
  }
  const release = releaseProblem(findings);
  if (release) return release;
  const down = replicas.filter(({ container, ready }) => container?.state !== "running" && !ready);
  // Of a release the result says how its tests ended; it is told as soon as all of them have.
  const failedJob = seen.spec.release
    ? undefined
    : down.find(({ service, container }) => service.job && container?.state === "exited");
  if (failedJob) {
    return no(
      "TestsFailed",
      `${failedJob.service.service} ended with ${failedJob.container?.exitCode ?? "no exit code"}.${logLines(logs, failedJob.name)}`,
    );
  }
  if (failure) return no(reasonOf(failure.error), explain(failure.error));
  if (down.length > 0)
    return no("Starting", `${serviceNames(down)}: not running yet.${waitingFor(findings)}`);
  return yes("AllRunning");
}

/** Whether all that runs answers. */
export function healthVerdict(findings: Findings): Verdict {
  const { seen, logs } = findings;
  const unready = seen.replicas.filter(({ ready }) => !ready);
  if (unready.length > 0) return unhealthy(unready, logs);
  const jobs = seen.replicas.some(({ service }) => service.job);
  return yes(jobs ? "TestsPassed" : "AllAnswer", passedMessage(findings));
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
    return no("Starting", `${serviceNames(unready)}: ${jobs ? "still at work" : "not answering yet"}.`);
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
