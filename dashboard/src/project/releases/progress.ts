type Seen = { service: string; state: string; health: string };

/** How far the containers of an environment are. */
export function progressOf(services: readonly Seen[]): { words: string; isReady: boolean } {
  const ready = services.filter(
    ({ state, health }) => state === "running" && (health === "healthy" || health === "none"),
  );
  const isReady = services.length > 0 && ready.length === services.length;
  if (services.length === 0) return { words: "Its containers are being made.", isReady };
  return { words: `${ready.length} of ${services.length} containers are ready.`, isReady };
}

/** How many replicas of each service are seen. */
export function replicasOf(services: readonly Seen[], name: string): number {
  return services.filter(({ service, state }) => service === name && state === "running").length;
}
