import type Docker from "dockerode";
import { ownedBy } from "../../core/labels.ts";
import { dockerCall } from "../engine/dockerCall.ts";

/** The names of all volumes of an instance. */
export async function volumeNames(docker: Docker, instanceId: string): Promise<Set<string>> {
  const found = await dockerCall("list volumes", (abortSignal) =>
    docker.listVolumes({ filters: { label: [ownedBy(instanceId)] }, abortSignal }),
  );
  return new Set((found.Volumes ?? []).map(({ Name }) => Name));
}
