import { LABELS } from "../../core/labels.ts";
import type { Clock } from "../clock.ts";
import type { Engine, EngineContainer } from "../engine/engine.ts";
import type { Log } from "../log.ts";
import { readSource } from "./readSource.ts";
import { syncCode, type CodeStore } from "./syncCode.ts";

/** Where a dev container has its project's source, and what the tar of it begins with. */
const WORKSPACE = "/workspace";
const TOP = "workspace";
/** Long enough that a hundred projects cost little, short enough to find what was written lately. */
const EVERY_MS = 60_000;

export type IndexerContext = {
  engine: Pick<Engine, "listContainers" | "getArchive">;
  store: CodeStore;
  instanceId: string;
  clock: Clock;
  log: Log;
};

/**
 * Keeps the search index of each project at what is in its running dev workspace, one project after the other.
 * @returns ends it
 */
export function startIndexer(context: IndexerContext): () => void {
  let cancel = (): void => {};
  let ended = false;
  const round = async () => {
    await indexAll(context);
    if (!ended) cancel = context.clock.after(EVERY_MS, () => void round());
  };
  cancel = context.clock.after(EVERY_MS / 4, () => void round());
  return () => {
    ended = true;
    cancel();
  };
}

/** One look at all projects; one that cannot be indexed does not keep the others from it. */
export async function indexAll({ engine, store, instanceId, log }: IndexerContext): Promise<void> {
  try {
    for (const [projectId, container] of workspaces(await engine.listContainers({ instanceId }))) {
      try {
        const source = await readSource(await engine.getArchive(container.id, WORKSPACE), TOP);
        const done = await syncCode(store, projectId, source);
        if (done.sent + done.forgotten > 0) log("code-indexed", { projectId, ...done });
      } catch (error) {
        log("code-index-failed", { projectId, error });
      }
    }
  } catch (error) {
    log("code-index-failed", { error });
  }
}

/** For each project one running dev container; services of one environment share the workspace. */
function workspaces(containers: EngineContainer[]): Map<string, EngineContainer> {
  const found = new Map<string, EngineContainer>();
  for (const container of containers) {
    const { [LABELS.project]: projectId, [LABELS.environment]: kind } = container.labels;
    if (projectId && kind === "dev" && container.state === "running") found.set(projectId, container);
  }
  return found;
}
