import { DockerEngine } from "../../worker/engine/dockerEngine.ts";
import type { Engine } from "../../worker/engine/engine.ts";

const READS = new Set([
  "listContainers",
  "listNetworks",
  "listVolumes",
  "hasImage",
  "tailLogs",
  "lastRun",
  "getArchive",
]);

/**
 * A worker's way to Docker that ends as SIGKILL ends it: at its `calls`-th change, before or after Docker did it, and
 * without an answer. Nothing that is asked later reaches Docker.
 * @param reached whether that last change still reaches Docker
 * @returns the engine, and what settles when it has died
 */
export function dyingEngine(calls: number, reached: boolean): { engine: Engine; dead: Promise<string> } {
  const real = new DockerEngine();
  const watches = new Set<{ close(): void }>();
  let left = calls;
  let isDead = false;
  let die: (last: string) => void = () => {};
  const dead = new Promise<string>((resolve) => (die = resolve));
  const never = new Promise<never>(() => {});

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
        left -= 1;
        if (left > 0) return await call();
        isDead = true;
        for (const watch of watches) watch.close();
        if (reached) await call().catch(() => {});
        die(`${property}${reached ? " (done)" : " (not done)"}`);
        return await never;
      };
    },
  });
  return { engine, dead };
}
