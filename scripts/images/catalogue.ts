import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { load } from "js-yaml";
import * as z from "zod";
import { REPOSITORY } from "../setup/dataDir.ts";
import { SetupError } from "../setup/setupError.ts";

const absolutePath = z.string().regex(/^\/[^\0]*$/, "an absolute path");

/** What a registry has: an image, and what it lacks, as lines of a Dockerfile run as root. */
const pullSchema = z.strictObject({
  image: z.string().min(1),
  steps: z.array(z.string().min(1)).default([]),
});

/** The same made of the distribution's packages. */
const debianSchema = z.strictObject({
  packages: z.array(z.string().regex(/^[a-z0-9][a-z0-9.+-]*$/, "a package's name")).min(1),
  /** Paths (`./usr/…`, tar patterns) that are left out besides documentation and translations. */
  leftOut: z.array(z.string().startsWith("./")).default([]),
  /** Copies the Node.js that runs us, with npm, into the image; `packages` are then its base. */
  hostNode: z.boolean().default(false),
  /** Path → target, made where nothing is yet; a package's own scripts would make them. */
  links: z.record(absolutePath, z.string().min(1)).default({}),
  files: z.record(absolutePath, z.string()).default({}),
  /** Commands run once inside the finished image, as root and without a network. */
  run: z.array(z.array(z.string()).min(1)).default([]),
});

/** Built on another image of the catalogue. */
const derivedSchema = z.strictObject({
  from: z.string().min(1),
  /** npm packages of this repository that go to `/opt/slipway/node_modules`, with what they depend on. */
  npm: z.array(z.string().min(1)).default([]),
});

const imageSchema = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]*$/),
    tag: z.string().regex(/^slipway\/[a-z][a-z0-9-]*:[a-z0-9][a-z0-9.-]*$/),
    about: z.string().min(1),
    /** Made when a project first needs it, not when Slipway starts. */
    onDemand: z.boolean().optional(),
    pull: pullSchema.optional(),
    debian: debianSchema.optional(),
    derived: derivedSchema.optional(),
    /** A folder beside the catalogue whose files go to `/opt/slipway`. */
    folder: z
      .string()
      .regex(/^[a-z][a-z0-9-]*$/)
      .optional(),
    user: z.string().default("1000:1000"),
    workdir: absolutePath.default("/workspace"),
    env: z.record(z.string().regex(/^[A-Z_a-z][A-Z_a-z0-9]*$/), z.string()).default({}),
    cmd: z.array(z.string()).min(1),
    /** A command that proves the image on a read-only root without capabilities, before it gets its tag. */
    verify: z.array(z.string()).min(1),
  })
  .refine(
    (image) => (image.derived !== undefined) !== (image.pull !== undefined && image.debian !== undefined),
    {
      message: "needs either `derived`, or both `pull` and `debian`",
    },
  );

export type ImageDefinition = z.infer<typeof imageSchema>;

export const catalogueFolder = path.join(REPOSITORY, "docker/images");

/**
 * Reads one catalogue file.
 * @throws SetupError `catalogue-invalid` with the file, the place in it and what is allowed.
 */
export function parseImage(text: string, file: string): ImageDefinition {
  const parsed = imageSchema.safeParse(load(text));
  if (parsed.success) return parsed.data;
  throw new SetupError("catalogue-invalid", `${file} is no image definition`, z.prettifyError(parsed.error));
}

/** Every image that Slipway can make, in the order in which they can be built. */
export function readCatalogue(folder = catalogueFolder): ImageDefinition[] {
  const images = readdirSync(folder)
    .filter((name) => name.endsWith(".yml"))
    .sort()
    .map((name) => parseImage(readFileSync(path.join(folder, name), "utf8"), path.join(folder, name)));
  return [...images.filter((image) => !image.derived), ...images.filter((image) => image.derived)];
}
