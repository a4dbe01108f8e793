import { definitionOf, type AttachmentDefinitions } from "../../core/attachment.ts";
import { manifestOf, type ProjectSpec } from "../../core/projectSpec.ts";
import type { RenderedProject } from "../../core/render/rendered.ts";
import type { Images } from "../images.ts";
import type { Credentials } from "./credentials.ts";

/** What a worker has to attach databases and the like with. */
export type Attaching = {
  definitions: AttachmentDefinitions;
  credentials: Credentials;
  /** Makes an image of Slipway's own that is not here; without it, it is pulled like any other. */
  buildImage?: (image: string) => Promise<void>;
};

export const NOTHING_TO_ATTACH: Attaching = {
  definitions: {},
  credentials: () => Promise.reject(new Error("This worker derives no credentials.")),
};

/** The volumes that those attached images declare of which nothing else is known; images that are not here are left out. */
export async function declaredVolumes(
  spec: ProjectSpec,
  { definitions }: Attaching,
  images: Pick<Images, "volumesOf">,
): Promise<Record<string, string[]>> {
  return await images.volumesOf(unknownImages(spec, definitions));
}

/** The same, without looking at an image that was not looked at. */
export function knownVolumes(
  spec: ProjectSpec,
  { definitions }: Attaching,
  images: Pick<Images, "knownVolumes">,
): Record<string, string[]> {
  const known = images.knownVolumes();
  const wanted = unknownImages(spec, definitions).filter((image) => known[image]);
  return Object.fromEntries(wanted.map((image) => [image, known[image]!]));
}

function unknownImages(spec: ProjectSpec, definitions: AttachmentDefinitions): string[] {
  const images = spec.environments
    .flatMap((environment) => manifestOf(spec, environment).attachments)
    .map(({ image }) => image);
  return [...new Set(images)].filter((image) => !definitionOf(definitions, image));
}

/** Whether something could not be planned before its image was there. */
export function waitsForImages(rendered: RenderedProject | null): boolean {
  return (rendered?.environments ?? []).some(({ services }) =>
    services.some(({ volumesUnknown }) => volumesUnknown),
  );
}
