import type { ProjectSpec } from "../../core/projectSpec.ts";
import type { RenderedProject } from "../../core/render/rendered.ts";
import { replicaName } from "../rollout/replicas.ts";
import type { Snapshot } from "../snapshot.ts";
import type { WatchedVolume } from "./volumeWatch.ts";

/** The volumes of what is to run that should have a size and have no hard one, with the containers that write to them. */
export function watchedVolumes(
  { namespace }: Pick<ProjectSpec, "namespace">,
  rendered: RenderedProject | null,
  { volumes: found }: Pick<Snapshot, "volumes">,
): WatchedVolume[] {
  const unsized = new Set(found.filter(({ sizeBytes }) => !sizeBytes).map(({ name }) => name));
  return (rendered?.environments ?? []).flatMap(({ kind, volumes, services, canary = [] }) =>
    volumes.flatMap(({ name, sizeBytes }) => {
      if (sizeBytes === null || !unsized.has(name)) return [];
      const containers = [...services, ...canary]
        .filter(({ mounts }) => mounts.some(({ volume, readOnly }) => volume === name && !readOnly))
        .flatMap((service) =>
          Array.from({ length: service.replicas }, (_, index) =>
            replicaName(namespace, kind, service, index + 1),
          ),
        );
      return [{ name, limitBytes: sizeBytes, containers }];
    }),
  );
}
