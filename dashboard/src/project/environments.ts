import { ENVIRONMENT_KINDS, type EnvironmentKind } from "../../../core/lifecycle.ts";
import { servicesOf, vManifest } from "../../../core/manifest.ts";
import type { ProjectView } from "./tabs.tsx";

export type EnvironmentView = ProjectView["environments"][number];

/** The environment to look at first: the one asked for, else the first that runs, else the first that is there at all. */
export function firstKind(environments: readonly EnvironmentView[], asked: string | null): EnvironmentKind {
  const known = ENVIRONMENT_KINDS.find((kind) => kind === asked);
  if (known) return known;
  const isThere = ({ phase }: EnvironmentView) => phase !== "absent";
  const first = environments.find(({ phase }) => phase === "running") ?? environments.find(isThere);
  return first?.kind ?? "dev";
}

/** The services of a project, in its manifest's order, then its attachments, then what else was seen. */
export function serviceNames(project: Pick<ProjectView, "manifest" | "environments">): string[] {
  const manifest = vManifest.safeParse(project.manifest).data;
  const wanted = manifest
    ? [...Object.keys(servicesOf(manifest)), ...manifest.attachments.map(({ alias }) => alias)]
    : [];
  const seen = project.environments.flatMap(({ services }) => services.map(({ service }) => service));
  return [...new Set([...wanted, ...seen])];
}
