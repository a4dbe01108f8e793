import { LABELS } from "../../core/labels.ts";
import type { RolloutInput, RolloutMemory } from "./decide.ts";
import type { RoutedReplica } from "./replicas.ts";

/** `app:1a2b3c4d web:…`: equal where the same containers would be made. */
export function revisionsOf(replicas: readonly RoutedReplica[]): string {
  return [...new Set(replicas.map(({ service: { service }, revision }) => `${service}:${revision}`))]
    .sort()
    .join(" ");
}

/** The rollout that is under way, or a new one where other revisions are wanted than it rolls out. */
export function remembered(input: RolloutInput): RolloutMemory {
  const { memory, wanted, earlier, routed, date, attempt, undone } = input;
  const revisions = revisionsOf(wanted);
  const isOver = memory?.phase === "undone" && memory.attempt !== attempt;
  if (memory?.revisions === revisions && !isOver) return memory;
  const ids = (replicas: readonly RoutedReplica[]) =>
    replicas.flatMap(({ container }) => container?.id ?? []);
  const started = {
    id: `r-${Math.round(date).toString(36)}`,
    attempt,
    revisions,
    startedAt: date,
    switched: [],
    triedSince: null,
    switchedAt: null,
    switchedDate: null,
    drainedAt: null,
    cause: null,
  };
  const isUndone = memory === null && undone?.revisions === revisions && undone.attempt === attempt;
  // What was undone is not tried because those that serve on in its place are slower to answer.
  const routable = earlier.filter(({ service, ready }) => service.route !== null && (ready || isUndone));
  const serving = routable.filter(({ container }) => container && routed.has(container.id));
  const routedWanted = wanted.some(({ container }) => container && routed.has(container.id));
  // Where the table leads nowhere any more, whatever answers is what served.
  const old = serving.length > 0 ? serving : routedWanted ? [] : newest(routable);
  // What has no route serves in its own way.
  const releases = new Set(old.map(releaseOf));
  const beside = earlier.filter((one) => one.service.route === null && releases.has(releaseOf(one)));
  const before = { ...started, old: ids([...old, ...beside]) };
  if (isUndone) {
    const { id, cause } = undone;
    return { ...before, id, cause, startedAt: beganAt(id), phase: "undone" };
  }
  return { ...before, phase: old.length === 0 ? "live" : "before" };
}

/** When the rollout of an id began, in ms since 1970. */
export function beganAt(id: string): number {
  return Number.parseInt(id.slice(2), 36);
}

function releaseOf({ container }: RoutedReplica): number {
  return Number(container?.labels[LABELS.release] ?? 0);
}

/** Of several earlier releases that answer, the one with the most replicas, then the newest. */
function newest(routable: readonly RoutedReplica[]): RoutedReplica[] {
  const count = (release: number) => routable.filter((one) => releaseOf(one) === release).length;
  const releases = [...new Set(routable.map(releaseOf))];
  const [best] = releases.sort((one, other) => count(other) - count(one) || other - one);
  return routable.filter((one) => releaseOf(one) === best);
}
