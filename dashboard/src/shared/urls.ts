import type { EnvironmentKind } from "../../../core/lifecycle.ts";
import type { Settings } from "../session/settings.ts";

/** Where an environment is opened: at a name, and so an origin, of its own (docs/gateway.md). */
export function environmentUrl(settings: Settings, slug: string, kind: EnvironmentKind): string {
  return gatewayUrl(settings, `${kind}--${slug}.${settings.baseDomain}`);
}

/** The gateway by one of its names, as this browser reaches it: with the page's own protocol and port. */
export function gatewayUrl(settings: Settings, name: string): string {
  const { protocol, port } = window.location;
  const isServedByGateway = import.meta.env.PROD;
  const usedPort = isServedByGateway ? port : String(settings.httpPort);
  return `${isServedByGateway ? protocol : "http:"}//${name}${usedPort === "" ? "" : `:${usedPort}`}/`;
}

/** A project's page, or one of its tabs. */
export function projectPath(slug: string, tab?: string): string {
  return tab === undefined || tab === "overview" ? `/p/${slug}` : `/p/${slug}/${tab}`;
}
