import { api } from "../../../convex/_generated/api.js";
import type { Status } from "../../../core/lifecycle.ts";
import type { ManifestInput } from "../../../core/manifest.ts";
import { environmentPath } from "../../../core/routes.ts";
import { setTimeout as delay } from "node:timers/promises";
import { interruption } from "./interruption.ts";
import { openSession, type Session } from "../../cli/lib/session.ts";
import { hasSettled } from "../../cli/lib/settle.ts";

/** Many projects of a Slipway at once, by its public functions alone. */

export type Project = { slug: string; namespace: string };

const SETTLED_WITHIN_MS = 600_000;
const LOOK_EVERY_MS = 100;
const SERVED_EVERY_MS = 20;
/** Mutations at once: the backend does them one after another anyway. */
const MUTATIONS = 8;

/** Containers of a few MiB, of which a host takes many. */
export const SMALL = { dev: { cpus: 0.25, memory: "64m" } };

/** Made and planned: nothing of them runs yet. */
export async function prepare(
  dataDir: string,
  names: readonly string[],
  manifest: Omit<ManifestInput, "name">,
): Promise<Project[]> {
  const { http } = await openSession(dataDir);
  return await side(names, MUTATIONS, async (name) => {
    const made = await http.mutation(api.projects.createProject, { name, manifest: { name, ...manifest } });
    await http.mutation(api.projects.updateProjectStatus, { project: made.slug, to: "planning" });
    return { slug: made.slug, namespace: made.namespace };
  });
}

export async function develop(dataDir: string, projects: readonly Project[]): Promise<void> {
  await move(dataDir, projects, "development");
}

export async function move(dataDir: string, projects: readonly Project[], to: Status): Promise<void> {
  const { http } = await openSession(dataDir);
  await side(projects, MUTATIONS, ({ slug }) =>
    http.mutation(api.projects.updateProjectStatus, { project: slug, to }),
  );
}

/** Waits until the control plane has been told that all is as wanted. */
export async function untilSettled(dataDir: string, projects: readonly Project[]): Promise<void> {
  await untilEach(dataDir, projects, (view) => view !== null && hasSettled(view));
}

export async function remove(dataDir: string, projects: readonly Project[]): Promise<void> {
  const { http } = await openSession(dataDir);
  await side(projects, MUTATIONS, ({ slug }) => http.mutation(api.projects.deleteProject, { project: slug }));
  await untilEach(dataDir, projects, (view) => view === null);
}

type View = Awaited<ReturnType<typeof viewOf>>;

async function viewOf({ http }: Session, slug: string) {
  return await http.query(api.projects.getProject, { project: slug });
}

async function untilEach(
  dataDir: string,
  projects: readonly Project[],
  condition: (view: View) => boolean,
): Promise<void> {
  const until = performance.now() + SETTLED_WITHIN_MS;
  const waiting = [...projects];
  let session = await openSession(dataDir);
  for (let looks = 0; waiting.length > 0; looks++) {
    // Its token lasts ten minutes.
    if (looks % 1000 === 999) session = await openSession(dataDir);
    if (condition(await viewOf(session, waiting[0]!.slug))) waiting.shift();
    else if (performance.now() > until) {
      throw new Error(`${waiting.length} projects, ${waiting[0]!.slug} first, are not as wanted in time`);
    } else await delay(LOOK_EVERY_MS, undefined, { signal: interruption });
  }
}

/**
 * Waits until a project's dev environment answers 200 through the gateway.
 * @param onMissing what to do where the gateway knows no such route
 */
export async function untilServed(
  httpPort: number,
  namespace: string,
  { onMissing }: { onMissing?: () => Promise<void> } = {},
): Promise<void> {
  const url = `http://127.0.0.1:${httpPort}${environmentPath(namespace, "dev")}/`;
  const until = performance.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const status = await statusOf(url);
    if (status === 200) return;
    if (performance.now() > until) throw new Error(`${url} did not answer 200 in time`);
    if (status === 404) await onMissing?.();
    await delay(SERVED_EVERY_MS, undefined, { signal: interruption });
  }
}

/**
 * Waits until all of `projects` answer, asking one after the other: whoever asked all of them all the time would take
 * more of the machine than what is measured, and the more of it, the more there are.
 * @param onMissing as {@link untilServed} has it, given the namespace
 */
export async function untilAllServed(
  httpPort: number,
  projects: readonly Pick<Project, "namespace">[],
  onMissing: (namespace: string) => Promise<void> = async () => {},
): Promise<void> {
  for (const { namespace } of projects) {
    await untilServed(httpPort, namespace, { onMissing: () => onMissing(namespace) });
  }
}

/** Null where nothing answers. */
export async function statusOf(url: string): Promise<number | null> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) }).catch(() => null);
  await response?.body?.cancel();
  return response?.status ?? null;
}

/**
 * `work` for each of `items`, at most `parallel` at once.
 * @returns the results in the items' order
 * @throws what the first of them failed with, once all that had begun have ended
 */
export async function side<T, R>(
  items: readonly T[],
  parallel: number,
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]!, index);
    }
  };
  const lanes = Array.from({ length: parallel }, lane);
  await Promise.allSettled(lanes);
  await Promise.all(lanes);
  return results;
}
