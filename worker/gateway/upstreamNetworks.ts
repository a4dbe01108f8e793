import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import type { Log } from "../log.ts";
import { gatewayPaths } from "./config.ts";

type WatchPools = (
  onPools: (pools: string[]) => void,
  onError: (error: unknown) => void,
) => (() => void) | void;

/**
 * Where the addresses of containers lie: in the pools that the control plane gives subnets from. The gateway refuses a route
 * to any other.
 */
export class UpstreamNetworks {
  private known: readonly string[];
  private isHeard = false;

  /** @param known IPv4 in CIDR form: what counts until the control plane has said */
  constructor(known: readonly string[]) {
    this.known = [...known].sort();
  }

  now(): readonly string[] {
    return this.known;
  }

  /**
   * @param changed called when `now` is other networks: has the gateway made with them
   * @returns once the control plane was heard first, or could not be
   */
  async follow(watch: WatchPools, changed: () => Promise<void>, log: Log): Promise<void> {
    await new Promise<void>((resolve) => {
      watch(
        (pools) => {
          if (!this.take(pools)) return resolve();
          changed()
            .catch((error: unknown) => log("subnet-pools-not-applied", { error }))
            .finally(resolve);
        },
        (error) => {
          log("subnet-pools-unread", { error });
          resolve();
        },
      );
    });
  }

  /** One that is in use no more goes at the next start only: what projects do never makes the gateway anew. */
  private take(pools: readonly string[]): boolean {
    const wanted = [...new Set(this.isHeard ? [...this.known, ...pools] : pools)].sort();
    this.isHeard = true;
    if (wanted.join() === this.known.join()) return false;
    this.known = wanted;
    return true;
  }
}

const vSettings = z.object({ upstreamNetworks: z.array(z.string()).optional() });

/** What the gateway was last made with, so that a worker that starts need not make it anew; null: nothing is known. */
export async function installedNetworks(dataDir: string): Promise<string[] | null> {
  const { configs } = gatewayPaths(dataDir);
  const names = await readdir(configs).catch(() => []);
  const found = await Promise.all(names.map(async (name) => await readSettings(join(configs, name))));
  const [newest] = found.flatMap((one) => one ?? []).sort((one, other) => other.at - one.at);
  return newest?.networks ?? null;
}

async function readSettings(directory: string): Promise<{ at: number; networks: string[] | null } | null> {
  const path = join(directory, "settings.json");
  try {
    const { upstreamNetworks } = vSettings.parse(JSON.parse(await readFile(path, "utf8")));
    return { at: (await stat(path)).mtimeMs, networks: upstreamNetworks ?? null };
  } catch {
    // A copy that was never finished.
    return null;
  }
}
