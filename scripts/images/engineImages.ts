import type Docker from "dockerode";
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { pack } from "tar-stream";
import * as z from "zod";
import { withinDeadline } from "../setup/deadline.ts";
import { IMAGE_LABEL } from "./dockerFiles.ts";
import type { OwnFile } from "./ownFiles.ts";
import { isAlive } from "./scratch.ts";

const SHORT_DEADLINE_MS = 20_000;
const LONG_DEADLINE_MS = 10 * 60_000;
const BUILDING = "slipway/building";

const eventSchema = z.object({
  status: z.string().optional(),
  stream: z.string().optional(),
  progress: z.string().optional(),
  id: z.string().optional(),
  error: z.string().optional(),
});

/** Labels of a local image, or undefined when there is none of that name. */
export async function imageLabels(docker: Docker, name: string): Promise<Record<string, string> | undefined> {
  const found = await inspectImage(docker, name);
  return found && (found.Config.Labels ?? {});
}

async function inspectImage(docker: Docker, name: string): Promise<Docker.ImageInspectInfo | undefined> {
  try {
    return await withinDeadline(docker.getImage(name).inspect(), SHORT_DEADLINE_MS, `Looking at ${name}`);
  } catch (error) {
    if (statusOf(error) === 404) return undefined;
    throw error;
  }
}

/** A name for work in progress: it says whose it is, so that the next run can remove what a killed one left. */
export const buildingTag = (name: string): string => `${BUILDING}:${name}-${process.pid}-${Date.now()}`;

/** Imports a root file system as an image. `changes` are Dockerfile instructions. */
export async function importRootfs(
  docker: Docker,
  tar: NodeJS.ReadableStream,
  tag: string,
  changes: readonly string[],
): Promise<void> {
  const [repo, version] = splitTag(tag);
  const options = { repo, tag: version, changes, abortSignal: AbortSignal.timeout(LONG_DEADLINE_MS) };
  await follow(docker, await docker.importImage(tar, options), () => {});
}

export interface ContextFile {
  name: string;
  content: string | Buffer;
  mode?: number;
}

/** Files of this checkout as a build's context carries them. */
export function contextFiles(files: readonly OwnFile[]): ContextFile[] {
  return files.map(({ name, source, mode }) => ({
    name: `slipway/${name}`,
    content: readFileSync(source),
    mode,
  }));
}

export interface BuildOptions {
  dockerfile: string;
  files?: readonly ContextFile[];
  /** Whether its commands reach a network. */
  network: boolean;
  onLine: (line: string) => void;
}

export async function buildImage(docker: Docker, tag: string, options: BuildOptions): Promise<void> {
  const context = contextOf([{ name: "Dockerfile", content: options.dockerfile }, ...(options.files ?? [])]);
  const stream = await docker.buildImage(context, {
    t: tag,
    rm: true,
    forcerm: true,
    ...(options.network ? {} : { networkmode: "none" }),
    abortSignal: AbortSignal.timeout(LONG_DEADLINE_MS),
  });
  await follow(docker, stream, options.onLine);
}

/** Gives an image its final name, then takes the temporary one away and, where nothing uses it, the image replaced. */
export async function promote(docker: Docker, from: string, to: string): Promise<void> {
  const replaced = await inspectImage(docker, to);
  const [repo, tag] = splitTag(to);
  await withinDeadline(docker.getImage(from).tag({ repo, tag }), SHORT_DEADLINE_MS, `Naming ${to}`);
  await removeImage(docker, from);
  if (replaced && replaced.Config.Labels?.[IMAGE_LABEL] !== undefined) await removeImage(docker, replaced.Id);
}

/** Removes an image's name, and the image when that was its last. */
export async function removeImage(docker: Docker, name: string): Promise<void> {
  try {
    await withinDeadline(docker.getImage(name).remove(), SHORT_DEADLINE_MS, `Removing ${name}`);
  } catch (error) {
    if (statusOf(error) !== 404 && statusOf(error) !== 409) throw error;
  }
}

/** Removes images that killed runs left under a temporary name. */
export async function sweepUnfinished(docker: Docker): Promise<void> {
  const images = await docker.listImages({
    filters: JSON.stringify({ reference: [BUILDING] }),
    abortSignal: AbortSignal.timeout(SHORT_DEADLINE_MS),
  });
  for (const tag of images.flatMap((image) => image.RepoTags ?? [])) {
    const pid = /-(\d+)-\d+$/.exec(tag)?.[1];
    if (tag.startsWith(`${BUILDING}:`) && pid !== undefined && !isAlive(Number(pid)))
      await removeImage(docker, tag);
  }
}

/** The HTTP status in an error of the engine. */
export function statusOf(error: unknown): number | undefined {
  return z.object({ statusCode: z.number() }).safeParse(error).data?.statusCode;
}

function contextOf(files: readonly ContextFile[]): NodeJS.ReadableStream {
  const context = pack();
  for (const { name, content, mode } of files) context.entry({ name, mode: mode ?? 0o644 }, content);
  context.finalize();
  return context.pipe(new PassThrough());
}

/** Reads an answer of the engine to its end; an `error` inside the stream is a failure although the status was 200. */
async function follow(
  docker: Docker,
  stream: NodeJS.ReadableStream,
  onLine: (line: string) => void,
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      stream,
      (error: Error | null) => (error ? reject(error) : resolve()),
      (raw: unknown) => {
        const event = eventSchema.safeParse(raw).data;
        if (!event) return;
        if (event.error !== undefined) reject(new Error(event.error));
        const text = event.stream ?? [event.id, event.status, event.progress].filter(Boolean).join(" ");
        if (text.trim() !== "") onLine(text.trim());
      },
    );
  });
}

function splitTag(name: string): [repo: string, tag: string] {
  const colon = name.lastIndexOf(":");
  return [name.slice(0, colon), name.slice(colon + 1)];
}
