import { environmentPath } from "../../../core/routes.ts";
import type { Instance } from "../../setup/instance.ts";
import type { EnvironmentKind } from "../../../core/lifecycle.ts";
import type { ProjectView } from "./views.ts";

export function gatewayUrl(instance: Instance): string {
  return `http://localhost:${instance.httpPort}`;
}

/** Where this machine's own browsers find the dashboard. */
export function dashboardUrl(instance: Instance): string {
  return `${gatewayUrl(instance)}/`;
}

/** Where the gateway shows `kind` of the project with `namespace`. */
export function environmentUrl(instance: Instance, namespace: string, kind: EnvironmentKind): string {
  return `${gatewayUrl(instance)}${environmentPath(namespace, kind)}/`;
}

/** The addresses of what runs of a project: one a line, for people and for `curl`. */
export function servedUrls(instance: Instance, view: ProjectView | null): string[] {
  if (!view) return [];
  return view.environments
    .filter(({ phase, endpoints }) => phase === "running" && endpoints.length > 0)
    .map(({ kind }) => environmentUrl(instance, view.namespace, kind));
}
