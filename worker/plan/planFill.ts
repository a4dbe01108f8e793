import { LABELS } from "../../core/labels.ts";
import type { VolumeFill } from "../../core/compose.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { RenderedService, RenderedVolume } from "../../core/render/rendered.ts";
import type { ExpectedVolume } from "../filling/confirm.ts";
import { fillerContainer } from "../filling/fillerContainer.ts";
import {
  FILL_ROLE,
  fillerName,
  fillingOf,
  helpersOf,
  isFiller,
  isMadeByMount,
  markName,
  markOf,
  marksOf,
  readerName,
} from "../filling/marks.ts";
import type { Snapshot } from "../snapshot.ts";
import type { PlanBuilder } from "./planBuilder.ts";
import { beginsLabel, planPuts, startersBegun } from "./planPuts.ts";

/** Removes what is left of filling a volume that no service starts on any more: tests that are over. */
export function planFillLeft(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  volume: string,
  found: Snapshot,
): void {
  removeLeft(plan, kind, volume, found, `nobody starts on ${volume} any more`);
}

export type FillInput = {
  kind: EnvironmentKind;
  volume: RenderedVolume;
  /** A service that uses it: its image makes the containers through which it is filled. */
  user: RenderedService;
  /** What there is of the environment, without the containers of services that do not use the volume. */
  found: Snapshot;
  /** Volumes of the project whose content counts, which a copy may be made of, with what they are filled as. */
  filled: ReadonlyMap<string, string | null>;
  /** The operation that brings the image of `user`, where it is missing. */
  imagePulled: string | null;
  /** Names what this turn makes: no other turn's calls meet it. */
  attempt: string;
  /** Has a container of a service removed, and gives the operation's id. */
  remove: (container: string, cause: string) => string;
};

export type PlannedVolume = {
  /** What must be done before a container can use the volume. */
  made: string[];
  /** What must be done before one may start on it. */
  filled: string[];
  /** What a container that is first started has to find. */
  expected: ExpectedVolume;
  /** What it was to begin with, where it is the project's own by now: services may have come since. */
  begunAs: VolumeFill[];
};

/**
 * Makes a volume and puts its first content into it, once, whenever workers may die and however late their calls come.
 *
 * The mark (`filling/marks.ts`) says that the content does not count, and taking it away is the one step that makes it
 * count; no service is started before. Whoever fills makes a container of its own first that mounts both the volume and
 * the mark, looks afresh whether the mark is there, and only then puts anything in: Docker removes no volume that is
 * mounted, so nobody can make it count meanwhile, and once it counts there is no way left by which anything could be put
 * into it. Helpers that an earlier attempt left go only after that container is there: half of a content never counts.
 */
export function planVolume(plan: PlanBuilder, input: FillInput): PlannedVolume {
  const { kind, volume, user, found, attempt } = input;
  const { name } = volume;
  const present = found.volumes.find((one) => one.name === name);
  const mark = present && markOf(present, found.volumes);
  if (present && (hasRun(present.name, volume, user, found) || (!mark && !isMadeByMount(present)))) {
    const removed = removeLeft(plan, kind, name, found, `${name} is filled already`);
    const expected = { volume: name, labels: volume.labels, filling: fillingOf(present) };
    return { made: [], filled: mark ? removed : [], expected, begunAs: volume.fill };
  }

  const isThere = present !== undefined && !isMadeByMount(present);
  const why = isThere ? `filling ${name} was interrupted` : `${kind} is to run and has no ${name}`;
  const filling = isThere ? fillingOf(present) : attempt;
  const expected = { volume: name, labels: volume.labels, filling };
  const made = isThere ? [] : [planMaking(plan, input, present !== undefined, why)];

  const filler = fillerName(name, attempt);
  const labels = { ...volume.labels, [LABELS.role]: FILL_ROLE };
  const container = fillerContainer(filler, name, markName(name, filling), user, labels);
  const fillerMade = plan.add(kind, { do: "create container", target: filler, container }, why, [
    input.imagePulled,
    ...made,
  ]);
  const left = helpersOf(name, found.containers).map(({ name: target }) =>
    plan.add(kind, { do: "remove container", target }, why, [fillerMade]),
  );
  const isMine = plan.add(
    kind,
    { do: "confirm unfilled", target: filler, expected },
    `${name} must be nobody's yet`,
    [fillerMade, ...left],
  );
  const reader = readerName(name, attempt);
  const earlier = isThere ? startersBegun(present) : [];
  const puts = planPuts(plan, input, { filler, reader, labels, earlier, after: [isMine] });
  const gone = [filler, ...(puts.readerMade ? [reader] : [])].map((target) =>
    plan.add(kind, { do: "remove container", target }, `${name} is filled`, [isMine, ...puts.done]),
  );
  const counts = plan.add(
    kind,
    { do: "remove volume", target: markName(name, filling), holds: "nothing" },
    `${name} is filled: from here on it is the project's own`,
    gone,
  );
  return { made, filled: [counts], expected, begunAs: [] };
}

/** @returns the operation that makes the volume, its mark first */
function planMaking(
  plan: PlanBuilder,
  { kind, volume, found, attempt, remove }: FillInput,
  isMadeAgain: boolean,
  why: string,
): string {
  const { name: target, sizeBytes } = volume;
  const before: string[] = [];
  if (isMadeAgain) {
    const cause = `Docker made ${target} again, empty, for a container whose volume was gone`;
    const users = found.containers.filter(
      (container) => container.volumes?.includes(target) && !isFiller(container),
    );
    const gone = [
      ...users.map(({ name }) => remove(name, cause)),
      ...helpersOf(target, found.containers).map(({ name }) =>
        plan.add(kind, { do: "remove container", target: name }, cause),
      ),
    ];
    before.push(plan.add(kind, { do: "remove volume", target, holds: "nothing" }, cause, gone));
  }
  const labels = { ...volume.labels, ...beginsLabel(volume), [LABELS.filling]: attempt };
  const marked = plan.add(
    kind,
    {
      do: "create volume",
      target: markName(target, attempt),
      labels: { ...labels, [LABELS.role]: FILL_ROLE },
      sizeBytes: null,
    },
    why,
  );
  return plan.add(kind, { do: "create volume", target, labels, sizeBytes }, why, [...before, marked]);
}

/** A service that has ever run on the volume settles the question: it is the project's own, whatever was left behind. */
function hasRun(name: string, volume: RenderedVolume, user: RenderedService, found: Snapshot): boolean {
  return found.containers.some(
    (container) =>
      !isFiller(container) &&
      container.state !== "created" &&
      (container.volumes?.includes(name) ?? true) &&
      // Data is an attachment's alone: whatever else ran says nothing of it.
      (!user.attachment || container.labels[LABELS.service] === user.service) &&
      // A container of an earlier release never ran on this one's volume.
      container.labels[LABELS.release] === volume.labels[LABELS.release],
  );
}

/** @returns the operations that take away what fillings of a volume left, the marks last */
function removeLeft(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  volume: string,
  { containers, volumes }: Snapshot,
  cause: string,
): string[] {
  const helpers = helpersOf(volume, containers).map(({ name: target }) =>
    plan.add(kind, { do: "remove container", target }, cause),
  );
  return marksOf(volume, volumes).map(({ name: target }) =>
    plan.add(kind, { do: "remove volume", target, holds: "nothing" }, cause, helpers),
  );
}
