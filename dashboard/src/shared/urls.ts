import type { EnvironmentKind } from "../../../core/lifecycle.ts";
import type { Settings } from "../session/settings.ts";

/** Where an environment is opened: at a name, and so an origin, of its own (docs/gateway.md). */
export function environmentUrl(settings: Settings, slug: string, kind: EnvironmentKind): string {
  const { protocol, port } = window.location;
  const isServedByGateway = import.meta.env.PROD;
  const usedPort = isServedByGateway ? port : String(settings.httpPort);
  const authority = `${kind}--${slug}.${settings.baseDomain}${usedPort === "" ? "" : `:${usedPort}`}`;
  return `${isServedByGateway ? protocol : "http:"}//${authority}/`;
}

/** A project's page, or one of its tabs. */
export function projectPath(slug: string, tab?: string): string {
  return tab === undefined || tab === "overview" ? `/p/${slug}` : `/p/${slug}/${tab}`;
}
