import { LABELS } from "../../core/labels.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { RenderedService, RenderedVolume } from "../../core/render/rendered.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import type { ContainerPlan } from "../engine/engine.ts";
import { FILL_ROLE, isFiller, unfilledMarker, type Snapshot } from "../snapshot.ts";
import { sourceName } from "./operation.ts";
import type { PlanBuilder } from "./planBuilder.ts";

/** Removes what is left of filling a volume that no service starts on any more: tests that are over. */
export function planFillLeft(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  volume: string,
  { containers, volumes }: Snapshot,
): void {
  const cause = `nobody starts on ${volume} any more`;
  const helpers = [fillerName(volume), readerName(volume)]
    .filter((helper) => containers.some(({ name }) => name === helper))
    .map((helper) => plan.add(kind, { do: "remove container", target: helper }, cause));
  const marker = unfilledMarker(volume);
  if (volumes.some(({ name }) => name === marker)) {
    plan.add(kind, { do: "remove volume", target: marker }, cause, helpers);
  }
}

/**
 * Makes a volume and puts its first content into it, exactly once, whenever the worker may be killed.
 *
 * A label cannot be changed later, and a file inside belongs to the user, so a second, empty volume (`<name>_unfilled`)
 * says "not yet": it is made before the volume, and taking it away is the one step that makes the content count. Until
 * then no service is started, so filling again overwrites nobody's work. A service that has ever run on the volume
 * settles the question too: then it is the project's own, whatever was left behind.
 *
 * @param exists volumes of the project that are there and filled, which a copy may be made of
 * @param imagePulled the operation that brings the image of `user`, where it is missing
 * @returns ids of the operations that must be done before a container can use the volume, and before it may start
 */
export function planVolume(
  plan: PlanBuilder,
  kind: EnvironmentKind,
  volume: RenderedVolume,
  user: RenderedService,
  found: Snapshot,
  exists: ReadonlySet<string>,
  imagePulled: string | null,
): { made: string[]; filled: string[] } {
  const marker = unfilledMarker(volume.name);
  const filler = fillerName(volume.name);
  const reader = readerName(volume.name);
  const there = found.volumes.some(({ name }) => name === volume.name);
  const marked = found.volumes.some(({ name }) => name === marker);
  const left = [filler, reader].filter((helper) => found.containers.some(({ name }) => name === helper));
  const everRan = found.containers.some(
    (container) =>
      there &&
      !isFiller(container) &&
      container.state !== "created" &&
      // Data is an attachment's alone: whatever else ran says nothing of it.
      (!user.attachment || container.labels[LABELS.service] === user.service) &&
      // A container of an earlier release never ran on this one's volume.
      container.labels[LABELS.release] === volume.labels[LABELS.release],
  );

  if (there && (everRan || (!marked && left.length === 0))) {
    const cause = `${volume.name} is filled already`;
    const gone = left.map((target) => plan.add(kind, { do: "remove container", target }, cause));
    if (marked) plan.add(kind, { do: "remove volume", target: marker }, cause, gone);
    return { made: [], filled: [] };
  }

  const why = there
    ? `filling ${volume.name} was interrupted`
    : `${kind} is to run and has no ${volume.name}`;
  const labels = { ...volume.labels, [LABELS.role]: FILL_ROLE };
  const after = left.map((target) => plan.add(kind, { do: "remove container", target }, why));
  if (!marked) {
    after.push(plan.add(kind, { do: "create volume", target: marker, labels, sizeBytes: null }, why));
  }
  const { name: target, labels: own, sizeBytes } = volume;
  const made = there
    ? []
    : [plan.add(kind, { do: "create volume", target, labels: own, sizeBytes }, why, after)];

  const source = volume.fill.find((fill) => fill.from === "volume" && exists.has(fill.name));
  const from = source?.from === "volume" ? source.name : null;
  const helper = plan.add(
    kind,
    { do: "create container", target: filler, container: fillerOf(filler, volume.name, user, labels) },
    why,
    [imagePulled, ...after, ...made],
  );
  const readers = from
    ? [
        plan.add(
          kind,
          { do: "create container", target: reader, container: fillerOf(reader, from, user, labels) },
          why,
          [imagePulled, ...after],
        ),
      ]
    : [];
  const first = volume.fill.find((fill) => fill.from === "archive" || fill.from === "git");
  const puts = from
    ? [
        plan.add(kind, { do: "copy workspace", target: filler, reader }, `${volume.name} begins as ${from}`, [
          helper,
          ...readers,
        ]),
      ]
    : first
      ? [
          plan.add(
            kind,
            { do: "put source", target: filler, source: first, starters: startersOf(volume) },
            `${volume.name} begins as ${sourceName(first)}`,
            [helper],
          ),
        ]
      : volume.fill.flatMap((fill) =>
          fill.from === "empty"
            ? [
                plan.add(
                  kind,
                  { do: "own volume", target: filler, user: fill.user },
                  `${volume.name} begins empty, and is ${user.service}'s`,
                  [helper],
                ),
              ]
            : fill.from === "starter"
              ? [
                  plan.add(
                    kind,
                    { do: "put starter", target: filler, stack: fill.stack, folder: fill.folder },
                    `${volume.name} begins as the starter of ${fill.stack}`,
                    [helper],
                  ),
                ]
              : [],
        );
  const counts = plan.add(
    kind,
    { do: "remove volume", target: marker },
    `${volume.name} is filled: from here on it is the project's own`,
    puts.length === 0 ? [helper] : puts,
  );
  for (const target of from ? [filler, reader] : [filler]) {
    plan.add(kind, { do: "remove container", target }, `${volume.name} is filled`, [counts]);
  }
  return { made, filled: [counts] };
}

function startersOf(volume: RenderedVolume): { stack: string; folder: string }[] {
  return volume.fill.flatMap((fill) =>
    fill.from === "starter" ? [{ stack: fill.stack, folder: fill.folder }] : [],
  );
}

export function fillerName(volume: string): string {
  return `${volume}_filler`;
}

/** Docker locks a container while files come out of it or go into it: a copy needs two. */
export function readerName(volume: string): string {
  return `${volume}_reader`;
}

/**
 * A container that is never started: Docker lets files be put through it into the volume that it mounts as its
 * workspace, and taken out.
 */
export function fillerOf(
  name: string,
  volume: string,
  user: RenderedService,
  labels: Record<string, string>,
): ContainerPlan {
  return {
    ...user,
    name,
    labels,
    entrypoint: null,
    command: ["true"],
    environment: {},
    hidden: {},
    workingDir: null,
    networks: [],
    healthcheck: null,
    restart: "no",
    tmpfs: {},
    // Docker puts no file below `/` of a read-only root, not even into a volume there.
    readOnly: false,
    mounts: [{ volume, target: WORKSPACE, readOnly: false, noCopy: true }],
  };
}
