import { definitionOf } from "../../core/attachment.ts";
import { loadAttachments } from "../../docker/attachments/loadAttachments.ts";
import { loadStacks } from "../../docker/stacks/loadStacks.ts";

/** What images there are in the simulation, and what is in them. */

export const STACKS = loadStacks();
export const ATTACHMENTS = loadAttachments();

const stackImages = Object.values(STACKS).map(({ image }) => image);

/** Images that every host of the simulation has from the beginning. */
export const PRESENT = [...stackImages, "sim/tool:1", "slipway/postgres:15"];
/** Images that can be pulled. */
export const PULLABLE = ["registry.example/app:1", "slipway/redis:7", "sim/store:1"];
/** Images that nobody has, until somebody mends that. */
export const BROKEN = ["sim/broken:1", "sim/broken:2"];

/** The paths that an image declares as volumes; of attachments that no definition is of, the worker asks for them. */
export function volumesOf(image: string): string[] {
  return image === "sim/store:1" ? ["/store"] : [];
}

/** The port that an image listens on of its own accord; null: the one that `PORT` says. */
export function portOf(image: string): number | null {
  return definitionOf(ATTACHMENTS, image)?.port ?? null;
}
