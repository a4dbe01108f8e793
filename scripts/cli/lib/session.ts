import { userInfo } from "node:os";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { SlipwayError } from "../../../core/errors.ts";
import { backendUrl } from "../../setup/backendUrl.ts";
import { dataDirectory } from "../../setup/dataDir.ts";
import { readInstance, type Instance } from "../../setup/instance.ts";
import { mintToken, readKeys, type Keys } from "../../setup/keys.ts";
import { NOT_RUNNING } from "./fail.ts";

const CALL_DEADLINE_MS = 15_000;
/** Nothing is silent for more than five seconds. */
const SLOW_AFTER_MS = 4000;
const TOKEN_TTL_MS = 10 * 60_000;

/** The instance that this command is about, and Convex's own clients to its backend, as an admin. */
export type Session = {
  dataDir: string;
  instance: Instance;
  url: string;
  http: ConvexHttpClient;
  /** An admin's token of ten minutes, for who asks with it elsewhere. */
  token(): Promise<string>;
  /** Subscribes with `work` and closes the connection after it. Errors that `work` throws go through. */
  subscribed<T>(work: (client: ConvexClient) => Promise<T>): Promise<T>;
};

/** @throws SlipwayError `setup` where Slipway was never started for this data directory */
export async function openSession(dataDir = dataDirectory()): Promise<Session> {
  const instance = await readInstance(dataDir);
  const keys = await readKeys(dataDir);
  if (!instance || !keys) throw new SlipwayError(NOT_RUNNING);
  const url = backendUrl(instance);
  return {
    dataDir,
    instance,
    url,
    http: await httpClient(url, keys),
    token: () => adminToken(keys),
    async subscribed(work) {
      const client = new ConvexClient(url, { logger: false, skipConvexDeploymentUrlCheck: true });
      client.setAuth(async () => await adminToken(keys));
      try {
        return await work(client);
      } finally {
        await client.close();
      }
    },
  };
}

/** Convex's HTTP client with an admin's token of ten minutes and a deadline on each call. */
export async function httpClient(url: string, keys: Keys): Promise<ConvexHttpClient> {
  return new ConvexHttpClient(url, {
    skipConvexDeploymentUrlCheck: true,
    logger: false,
    auth: await adminToken(keys),
    fetch: async (input, init) => {
      const slow = setTimeout(
        () => process.stderr.write("  … waiting for Slipway's backend\n"),
        SLOW_AFTER_MS,
      );
      try {
        return await fetch(input, { ...init, signal: AbortSignal.timeout(CALL_DEADLINE_MS) });
      } finally {
        clearTimeout(slow);
      }
    },
  });
}

async function adminToken(keys: Keys): Promise<string> {
  return await mintToken(keys, { role: "admin", sub: `cli:${userInfo().username}`, ttlMs: TOKEN_TTL_MS });
}
