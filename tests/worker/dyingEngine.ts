import type { Engine } from "../../worker/engine/engine.ts";
import { DockerEngine } from "../../worker/engine/dockerEngine.ts";

const READS = new Set([
  "listContainers",
  "listNetworks",
  "listVolumes",
  "hasImage",
  "imageVolumes",
  "tailLogs",
  "lastRun",
  "readLogs",
  "getArchive",
  "changeDone",
]);

export type DyingEngine = {
  engine: Engine;
  /** How many changes were asked for so far. */
  changes: () => number;
  /** Settles when it has died, with the last change. */
  dead: Promise<string>;
  /** It dies now. */
  kill: () => void;
};

/**
 * A worker's way to Docker that ends as SIGKILL ends it: at its `calls`-th change, before or after Docker did it, and
 * without an answer. Nothing that is asked later reaches Docker.
 * @param reached whether that last change still reaches Docker
 */
export function dyingEngine(calls: number, reached: boolean): DyingEngine {
  const real = new DockerEngine();
  const watches = new Set<{ close(): void }>();
  let changes = 0;
  let isDead = false;
  let said: (last: string) => void = () => {};
  const dead = new Promise<string>((resolve) => (said = resolve));
  const never = new Promise<never>(() => {});
  const kill = () => {
    isDead = true;
    for (const watch of watches) watch.close();
  };

  const engine = new Proxy(real, {
    get(target, property: keyof Engine) {
      if (property === "watch") {
        return (listener: Parameters<Engine["watch"]>[0]) => {
          const watch = target.watch(listener);
          watches.add(watch);
          return watch;
        };
      }
      return async (...args: never[]) => {
        const call = () => (target[property] as (...args: never[]) => Promise<unknown>)(...args);
        if (isDead) return await never;
        if (READS.has(property)) return await call();
        changes += 1;
        if (changes < calls) return await call();
        kill();
        if (reached) await call().catch(() => {});
        said(`${property}${reached ? " (done)" : " (not done)"}`);
        return await never;
      };
    },
  });
  return { engine, changes: () => changes, dead, kill };
}
