const PAUSES_MS = [200, 800, 3000];

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * What `load` gives, at the fourth attempt at last. Chromium ends every request that is under way when a network of its
 * machine comes or goes, and on a Docker host that is whenever a container starts.
 */
export async function retried<T>(load: () => Promise<T>, wait = pause): Promise<T> {
  for (const ms of PAUSES_MS) {
    try {
      return await load();
    } catch {
      await wait(ms);
    }
  }
  return await load();
}
