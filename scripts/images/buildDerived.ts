import type Docker from "dockerode";
import type { ImageDefinition } from "./catalogue.ts";
import { derivedDockerfile } from "./dockerFiles.ts";
import { buildImage, buildingTag, contextFiles } from "./engineImages.ts";
import { ownFiles } from "./ownFiles.ts";

/** Copies the image's npm packages and files onto the image named `base`. @returns the temporary name. */
export async function buildDerived(
  docker: Docker,
  image: ImageDefinition,
  base: string,
  hash: string,
  onLine: (line: string) => void,
): Promise<string> {
  const tag = buildingTag(image.name);
  const files = contextFiles(ownFiles(image));
  await buildImage(docker, tag, {
    dockerfile: derivedDockerfile(image, base, hash),
    files,
    network: false,
    onLine,
  });
  return tag;
}
