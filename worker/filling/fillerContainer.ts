import { LABELS } from "../../core/labels.ts";
import type { RenderedService } from "../../core/render/rendered.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import type { ContainerPlan } from "../engine/engine.ts";
import { FILL_ROLE, MADE_BY_MOUNT } from "./marks.ts";

/** Where a filler has the mark: Docker removes no volume that a container mounts. */
const MARK_AT = "/.slipway-unfilled";

/**
 * A container that is never started: Docker lets files be put through it into the volume that it mounts as its
 * workspace, and taken out.
 * @param mark is held as long as the container is there: the volume cannot come to count meanwhile; null: none
 */
export function fillerContainer(
  name: string,
  volume: string,
  mark: string | null,
  user: RenderedService,
  labels: Record<string, string>,
): ContainerPlan {
  return {
    ...user,
    name,
    labels: { ...labels, [LABELS.role]: FILL_ROLE },
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
      { volume, target: WORKSPACE, readOnly: false, noCopy: true },
      ...(mark === null ? [] : [{ volume: mark, target: MARK_AT, readOnly: false, noCopy: true }]),
    ],
    volumeLabels: { ...labels, [LABELS.role]: FILL_ROLE, [LABELS.filling]: MADE_BY_MOUNT },
  };
}
