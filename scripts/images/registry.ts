import type Docker from "dockerode";
import type { ImageDefinition } from "./catalogue.ts";
import { pulledDockerfile, registryName } from "./dockerFiles.ts";
import { buildImage, buildingTag, contextFiles, statusOf } from "./engineImages.ts";
import { ownFiles } from "./ownFiles.ts";

const PROBE_DEADLINE_MS = 5_000;

/**
 * Whether the engine's registry knows a public image. The engine asks, so its proxies, mirrors and certificates count.
 * `SLIPWAY_REGISTRY=off` says no without asking.
 */
export async function registryAnswers(
  docker: Docker,
  image: string,
  registry: string | undefined,
): Promise<boolean> {
  if (registry === "off") return false;
  const name = registryName(image, registry);
  try {
    await askEngine(docker, `/distribution/${name}/json`, AbortSignal.timeout(PROBE_DEADLINE_MS));
    return true;
  } catch (error) {
    if (statusOf(error) !== undefined || isAbort(error)) return false;
    throw error;
  }
}

/** dockerode's own method for this cannot be given up, and would keep the process for half a minute. */
function askEngine(docker: Docker, path: string, abortSignal: AbortSignal): Promise<unknown> {
  return new Promise((resolve, reject) => {
    docker.modem.dial(
      { path, method: "GET", statusCodes: { 200: true }, abortSignal },
      (error: unknown, answer: unknown) => (error ? reject(error) : resolve(answer)),
    );
  });
}

/** Pulls the public image and adds what it lacks. @returns the temporary name of the result. */
export async function buildFromRegistry(
  docker: Docker,
  image: ImageDefinition,
  hash: string,
  registry: string | undefined,
  onLine: (line: string) => void,
): Promise<string> {
  const tag = buildingTag(image.name);
  const files = contextFiles(ownFiles(image));
  const dockerfile = pulledDockerfile(image, hash, (name) => registryName(name, registry));
  await buildImage(docker, tag, { dockerfile, files, network: true, onLine });
  return tag;
}

const isAbort = (error: unknown): boolean =>
  error instanceof Error && (error.name === "AbortError" || error.name === "TimeoutError");
