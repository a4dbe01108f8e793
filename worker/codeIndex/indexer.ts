import { LABELS } from "../../core/labels.ts";
import type { Clock } from "../clock.ts";
import type { Engine, EngineContainer } from "../engine/engine.ts";
import type { Log } from "../log.ts";
import { FIRST_DELAY_MS, Pace } from "./pace.ts";
import { readSource } from "./readSource.ts";
import { syncCode, type CodeStore } from "./syncCode.ts";

/** Where a dev container has its project's source, and what the tar of it begins with. */
const WORKSPACE = "/workspace";
const TOP = "workspace";

export type IndexerContext = {
  engine: Pick<Engine, "listContainers" | "getArchive">;
  store: CodeStore;
  instanceId: string;
  clock: Clock;
  log: Log;
};

export type Indexer = {
  /** Somebody may have changed a project's files: they are read in the next round. */
  touched(projectId: string): void;
  end(): void;
};

/**
 * Keeps the search index of each project at what is in its running dev workspace, one project after the other, in rounds;
 * `pace.ts` says which of them a round reads.
 */
export function startIndexer(context: IndexerContext): Indexer {
  const pace = new Pace(context.clock);
  let cancel = (): void => {};
  let ended = false;
  const round = async () => {
    await indexAll(context, pace);
    if (!ended) cancel = context.clock.after(FIRST_DELAY_MS, () => void round());
  };
  cancel = context.clock.after(FIRST_DELAY_MS / 4, () => void round());
  return {
    touched: (projectId) => pace.touch(projectId),
    end() {
      ended = true;
      cancel();
    },
  };
}

/** One round over all projects; one that cannot be indexed does not keep the others from it. */
export async function indexAll(
  { engine, store, instanceId, log }: IndexerContext,
  pace: Pace,
): Promise<void> {
  try {
    const found = workspaces(await engine.listContainers({ instanceId }));
    pace.keepOnly(found);
    for (const [projectId, container] of found) {
      const look = pace.begin(projectId, container.id);
      if (!look) continue;
      try {
        const source = await readSource(await engine.getArchive(container.id, WORKSPACE), TOP);
        const done = await syncCode(store, projectId, source);
        const changed = done.sent + done.forgotten > 0;
        pace.end(projectId, look, changed);
        if (changed) log("code-indexed", { projectId, ...done });
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
