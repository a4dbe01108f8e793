import Docker from "dockerode";
import type { EnsuredImage } from "../images/ensureImages.ts";
import { ensureImages } from "../images/ensureImages.ts";
import type { Progress } from "../progress/progress.mjs";
import { ensureEngine } from "./engine.ts";
import type { Engine } from "./engine.ts";

/**
 * All that this machine needs besides npm packages: an engine that answers, and every image of the catalogue.
 * @throws SetupError with what to do
 */
export async function ensurePrerequisites(options: {
  progress: Progress;
}): Promise<{ engine: Engine; images: EnsuredImage[] }> {
  const engine = await ensureEngine(options);
  return { engine, images: await ensureImages(new Docker(), options) };
}
