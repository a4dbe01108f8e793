import { LABELS } from "../../core/labels.ts";
import type { EnvironmentKind } from "../../core/lifecycle.ts";
import type { RenderedService, RenderedVolume } from "../../core/render/rendered.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import type { ContainerPlan } from "../engine/engine.ts";
import { FILL_ROLE, isFiller, type Snapshot } from "../snapshot.ts";
import { sourceName } from "./operation.ts";
import type { PlanBuilder } from "./planBuilder.ts";

/** Where the filling container finds the volume that is to be copied: its last part is the workspace's own name. */
export const COPY_SOURCE = `/from${WORKSPACE}`;

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
  const marker = `${volume.name}_unfilled`;
  const filler = `${volume.name}_filler`;
  const there = found.volumes.some(({ name }) => name === volume.name);
  const marked = found.volumes.some(({ name }) => name === marker);
  const leftFiller = found.containers.some(({ name }) => name === filler);
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

  if (there && (everRan || (!marked && !leftFiller))) {
    const cause = `${volume.name} is filled already`;
    const gone = leftFiller ? [plan.add(kind, { do: "remove container", target: filler }, cause)] : [];
    if (marked) plan.add(kind, { do: "remove volume", target: marker }, cause, gone);
    return { made: [], filled: [] };
  }

  const why = there
    ? `filling ${volume.name} was interrupted`
    : `${kind} is to run and has no ${volume.name}`;
  const labels = { ...volume.labels, [LABELS.role]: FILL_ROLE };
  const after: string[] = [];
  if (leftFiller) after.push(plan.add(kind, { do: "remove container", target: filler }, why));
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
    { do: "create container", target: filler, container: fillerOf(filler, volume, from, user, labels) },
    why,
    [imagePulled, ...after, ...made],
  );
  const first = volume.fill.find((fill) => fill.from === "archive" || fill.from === "git");
  const puts = from
    ? [plan.add(kind, { do: "copy workspace", target: filler }, `${volume.name} begins as ${from}`, [helper])]
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
  plan.add(kind, { do: "remove container", target: filler }, `${volume.name} is filled`, [counts]);
  return { made, filled: [counts] };
}

function startersOf(volume: RenderedVolume): { stack: string; folder: string }[] {
  return volume.fill.flatMap((fill) =>
    fill.from === "starter" ? [{ stack: fill.stack, folder: fill.folder }] : [],
  );
}

/** A container that is never started: Docker lets files be put through it into the volumes that it mounts. */
export function fillerOf(
  name: string,
  volume: Pick<RenderedVolume, "name">,
  from: string | null,
  user: RenderedService,
  labels: Record<string, string>,
): ContainerPlan {
  const mount = { readOnly: false, noCopy: true };
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
    mounts: [
      { ...mount, volume: volume.name, target: WORKSPACE },
      ...(from ? [{ ...mount, volume: from, target: COPY_SOURCE, readOnly: true }] : []),
    ],
  };
}
