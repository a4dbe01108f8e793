import { access, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { api } from "../../convex/_generated/api.js";
import { SlipwayError } from "../../core/errors.ts";
import type { Session } from "../cli/lib/session.ts";
import { waitUntilSettled } from "../cli/lib/settle.ts";
import { environmentUrl } from "../cli/lib/urls.ts";
import { dataPaths, writePrivateFile } from "../setup/dataDir.ts";
import type { Progress } from "../progress/progress.mjs";
import { track } from "../progress/progress.mjs";

const NAME = "hello";
const WAY = ["created", "planning", "development"] as const;
const SETTLED_WITHIN_MS = 3 * 60_000;
const SERVED_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 100;

/**
 * Where there is no project yet: makes `hello` from the node starter and moves it to development, until it serves.
 * One that was interrupted half way is taken up again; a project that anybody moved since is left alone.
 * @throws SlipwayError where it does not come up
 */
export async function firstRun(session: Session, progress: Progress): Promise<void> {
  const begun = join(dataPaths(session.dataDir).run, "first-run");
  const isBegun = await exists(begun);
  const { page } = await session.http.query(api.projects.listProjects, {
    paginationOpts: { numItems: 2, cursor: null },
  });
  const done = WAY.findIndex((status) => status === page[0]?.status);
  if (page.length > 0 && !(isBegun && page.length === 1 && page[0]!.slug === NAME && done >= 0)) {
    await rm(begun, { force: true });
    return;
  }
  await writePrivateFile(begun, "");
  if (page.length === 0) {
    await track(progress, `Creating the project ${NAME} from the node starter`, async () => {
      await session.http.mutation(api.projects.createProject, { name: NAME, stack: "node" });
    });
  }
  for (const to of WAY.slice(Math.max(0, done) + 1)) {
    progress.note(`${NAME} → ${to}`);
    await session.http.mutation(api.projects.updateProjectStatus, { project: NAME, to, reason: "first run" });
  }
  const view = await waitUntilSettled(session, NAME, { timeoutMs: SETTLED_WITHIN_MS, progress });
  if (view) {
    await untilServed(environmentUrl(session.instance, view.namespace, "dev"), SERVED_WITHIN_MS);
  }
  await rm(begun, { force: true });
}

/**
 * Waits until `url` answers 200.
 * @throws SlipwayError `gateway` with the last answer, after `withinMs`
 */
async function untilServed(url: string, withinMs: number): Promise<void> {
  const until = Date.now() + withinMs;
  for (;;) {
    const answer = await statusOf(url);
    if (answer === "200") return;
    if (Date.now() > until) {
      throw new SlipwayError({
        code: "gateway",
        message: `${url} still answers ${answer} after ${withinMs / 1000} s.`,
        hint: "slipway doctor shows what may be wrong; slipway logs hello dev what the project says.",
      });
    }
    await delay(LOOK_EVERY_MS);
  }
}

async function statusOf(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    await response.body?.cancel();
    return String(response.status);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  );
}
