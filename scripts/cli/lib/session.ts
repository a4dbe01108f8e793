import { userInfo } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import * as z from "zod";
import { SlipwayError } from "../../../core/errors.ts";
import { backendUrl } from "../../setup/backendUrl.ts";
import { dataDirectory } from "../../setup/dataDir.ts";
import { readInstance, type Instance } from "../../setup/instance.ts";
import { mintToken, readKeys, type Keys } from "../../setup/keys.ts";
import { NOT_RUNNING } from "./fail.ts";

const CALL_DEADLINE_MS = 15_000;
const ASK_AGAIN_MS = 200;
/** Nothing is silent for more than five seconds. */
const SLOW_AFTER_MS = 4000;
const TOKEN_TTL_MS = 10 * 60_000;
/** How the backend says no before any function runs (embedded/http/reply.ts). */
const vRefusal = z.object({ code: z.string() });

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
        return await fetchOnceStarted(input, { ...init, signal: AbortSignal.timeout(CALL_DEADLINE_MS) });
      } finally {
        clearTimeout(slow);
      }
    },
  });
}

/** A backend that still loads has done nothing with what it was asked: it is asked again. */
async function fetchOnceStarted(
  input: Parameters<typeof fetch>[0],
  init: RequestInit & { signal: AbortSignal },
): Promise<Response> {
  for (;;) {
    const response = await fetch(input, init);
    if (!(await isStarting(response))) return response;
    await delay(ASK_AGAIN_MS, undefined, { signal: init.signal }).catch(() => init.signal.throwIfAborted());
  }
}

async function isStarting(response: Response): Promise<boolean> {
  if (response.status !== 503) return false;
  const said = vRefusal.safeParse(
    await response
      .clone()
      .json()
      .catch(() => null),
  );
  return said.success && said.data.code === "Starting";
}

async function adminToken(keys: Keys): Promise<string> {
  return await mintToken(keys, { role: "admin", sub: `cli:${userInfo().username}`, ttlMs: TOKEN_TTL_MS });
}
