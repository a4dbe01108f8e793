import type { Instance } from "./instance.ts";

export type SelfHosted = { url: string; adminKey: string };

/** A Convex backend that the user runs, named as Convex's own tools name it; null where ours is used. */
export function selfHosted(environment: NodeJS.ProcessEnv = process.env): SelfHosted | null {
  const { CONVEX_SELF_HOSTED_URL: url, CONVEX_SELF_HOSTED_ADMIN_KEY: adminKey } = environment;
  return url && adminKey ? { url: url.replace(/\/+$/, ""), adminKey } : null;
}

/** Where this instance's Convex backend answers. */
export function backendUrl(instance: Instance): string {
  return selfHosted()?.url ?? `http://127.0.0.1:${instance.backendPort}`;
}
