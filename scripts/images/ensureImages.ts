import type Docker from "dockerode";
import { track } from "../progress/progress.mjs";
import type { Progress, Step } from "../progress/progress.mjs";
import { withLock } from "../setup/lock.mjs";
import { SetupError } from "../setup/setupError.ts";
import { setupLogPath } from "../setup/setupLog.ts";
import { openAptWorkspace } from "./aptWorkspace.ts";
import type { AptWorkspace } from "./aptWorkspace.ts";
import { buildDerived } from "./buildDerived.ts";
import { buildFromDebian } from "./buildDebian.ts";
import { readCatalogue } from "./catalogue.ts";
import type { ImageDefinition } from "./catalogue.ts";
import { RECIPE_LABEL } from "./dockerFiles.ts";
import { imageLabels, promote, removeImage, sweepUnfinished } from "./engineImages.ts";
import { ownIngredients } from "./ownFiles.ts";
import { recipeHash } from "./recipeHash.ts";
import { buildFromRegistry, registryAnswers } from "./registry.ts";
import { selectImages } from "./selectImages.ts";
import { sweepChecks, verifyImage } from "./verifyImage.ts";

const AT_ONCE = 2;
const PROBED_IMAGE = "busybox:1.37-musl";

export type ImageSource = "present" | "registry" | "debian" | "derived";

export interface EnsuredImage {
  name: string;
  tag: string;
  /** Where this call got it from; `present` when it was there already. */
  source: ImageSource;
}

export interface EnsureImagesOptions {
  /** Names or tags out of the catalogue; by default what Slipway needs to start. What they are built on comes too. */
  names?: readonly string[];
  progress: Progress;
  /** Put in place of `slipway` in every tag, to build beside the images in use. */
  repository?: string;
  /** A mirror's `host[:port][/path]`, `off` to build locally; by default the variable SLIPWAY_REGISTRY. */
  registry?: string;
}

/**
 * Makes the catalogue's images be there, each the one that its definition describes now: from the engine's registry
 * when it answers, else out of the distribution's packages. Images that are there already cost one call each.
 * @throws SetupError `image-unknown`, `image-build-failed`, `catalogue-invalid`.
 */
export async function ensureImages(docker: Docker, options: EnsureImagesOptions): Promise<EnsuredImage[]> {
  const run = new ImageRun(docker, options);
  try {
    return await run.all(selectImages(readCatalogue(), options.names));
  } finally {
    await run.close();
  }
}

class ImageRun {
  private readonly registry: string | undefined;
  private apt: Promise<AptWorkspace> | undefined;
  private reachable: Promise<boolean> | undefined;
  private swept: Promise<void> | undefined;

  constructor(
    private readonly docker: Docker,
    private readonly options: EnsureImagesOptions,
  ) {
    this.registry = options.registry ?? process.env["SLIPWAY_REGISTRY"];
  }

  /** Images in their order, at most two at once; one that stands on another waits for it. */
  async all(images: readonly ImageDefinition[]): Promise<EnsuredImage[]> {
    const waiting = [...images];
    const ended = new Map<string, Promise<EnsuredImage>>();
    const lane = async () => {
      for (let image = waiting.shift(); image; image = waiting.shift()) {
        const made = this.after(ended.get(image.derived?.from ?? ""), image);
        ended.set(image.name, made);
        await made;
      }
    };
    const lanes = await Promise.allSettled(Array.from({ length: AT_ONCE }, lane));
    const failed = lanes.find((result) => result.status === "rejected");
    if (failed) throw failed.reason;
    return Promise.all(images.map((image) => ended.get(image.name)!));
  }

  async close(): Promise<void> {
    const workspace = await this.apt?.catch(() => undefined);
    await workspace?.close();
  }

  private async after(
    base: Promise<EnsuredImage> | undefined,
    image: ImageDefinition,
  ): Promise<EnsuredImage> {
    await base;
    const hash = recipeHash(image, ownIngredients(image));
    const tag = this.tag(image.tag);
    if (await this.isPresent(tag, hash)) return { name: image.name, tag, source: "present" };
    return track(this.options.progress, `image ${tag}`, (step) =>
      withLock(`image-${tag}`, () => this.make(image, tag, hash, step), {
        onWait: () => step.detail("another process is making it"),
      }),
    );
  }

  private async make(image: ImageDefinition, tag: string, hash: string, step: Step): Promise<EnsuredImage> {
    if (await this.isPresent(tag, hash)) return { name: image.name, tag, source: "present" };
    this.swept ??= Promise.all([sweepUnfinished(this.docker), sweepChecks(this.docker)]).then(() => {});
    await this.swept;
    const line = (text: string) => step.detail(text);
    if (image.derived) {
      const base = this.tag(this.baseTag(image.derived.from));
      await this.finish(image, tag, step, () => buildDerived(this.docker, image, base, hash, line));
      return { name: image.name, tag, source: "derived" };
    }
    if (await this.registryReachable(step)) {
      try {
        await this.finish(image, tag, step, () =>
          buildFromRegistry(this.docker, image, hash, this.registry, line),
        );
        return { name: image.name, tag, source: "registry" };
      } catch (error) {
        this.options.progress.note(
          `  ${tag}: the registry's will not do (${reasonOf(error)}); making it from packages`,
        );
      }
    }
    await this.finish(image, tag, step, async () => {
      this.apt ??= openAptWorkspace(line);
      return buildFromDebian(this.docker, image, hash, await this.apt, line);
    });
    return { name: image.name, tag, source: "debian" };
  }

  /** Builds under a temporary name, proves the result, and only then gives it its tag. */
  private async finish(
    image: ImageDefinition,
    tag: string,
    step: Step,
    build: () => Promise<string>,
  ): Promise<void> {
    try {
      const building = await build();
      try {
        step.detail("checking that it runs");
        await verifyImage(this.docker, building, image.verify);
        await promote(this.docker, building, tag);
      } catch (error) {
        await removeImage(this.docker, building);
        throw error;
      }
    } catch (error) {
      if (error instanceof SetupError && error.reason === "image-build-failed") throw error;
      throw new SetupError(
        "image-build-failed",
        `The image ${tag} could not be made: ${reasonOf(error)}`,
        `Details are in ${setupLogPath()}. Check this machine's apt sources (apt-get update) and free disk space, then try again.`,
        { cause: error },
      );
    }
  }

  /** Asked once for the whole run, with a short deadline. */
  private registryReachable(step: Step): Promise<boolean> {
    if (!this.reachable) step.detail("asking the registry");
    this.reachable ??= registryAnswers(this.docker, PROBED_IMAGE, this.registry);
    return this.reachable;
  }

  private async isPresent(tag: string, hash: string): Promise<boolean> {
    return (await imageLabels(this.docker, tag))?.[RECIPE_LABEL] === hash;
  }

  private tag(tag: string): string {
    return this.options.repository === undefined
      ? tag
      : tag.replace(/^slipway\//, `${this.options.repository}/`);
  }

  private baseTag(name: string): string {
    return readCatalogue().find((image) => image.name === name)?.tag ?? name;
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
