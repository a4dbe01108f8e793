import { SetupError } from "../setup/setupError.ts";
import type { ImageDefinition } from "./catalogue.ts";

/**
 * The definitions of `names` (names or tags; without, all that Slipway needs to start) and of what they are built on, in
 * the catalogue's order.
 * @throws SetupError `image-unknown` with the names there are.
 */
export function selectImages(
  catalogue: readonly ImageDefinition[],
  names: readonly string[] = catalogue.filter((image) => image.onDemand !== true).map((image) => image.name),
): ImageDefinition[] {
  const wanted = new Set<string>();
  const add = (name: string) => {
    const image = catalogue.find((candidate) => candidate.name === name || candidate.tag === name);
    if (!image) {
      const known = catalogue.map((candidate) => candidate.name).join(", ");
      throw new SetupError("image-unknown", `There is no image "${name}"`, `The catalogue has: ${known}.`);
    }
    wanted.add(image.name);
    if (image.derived) add(image.derived.from);
  };
  for (const name of names) add(name);
  return catalogue.filter((image) => wanted.has(image.name));
}
