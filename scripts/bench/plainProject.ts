import type Docker from "dockerode";
import type { RenderedEnvironment } from "../../core/render/rendered.ts";
import { containerOptions } from "../../worker/engine/containerOptions.ts";
import { containerName } from "../../core/naming.ts";
import { WORKSPACE } from "../../core/render/view.ts";
import type { SocketGateway } from "../../worker/gateway/socketGateway.ts";

/** What somebody would write who needs exactly these containers once: dockerode calls, as parallel as Docker allows. */

export type PlainProject = {
  namespace: string;
  slug: string;
  environment: RenderedEnvironment;
  /** A tar of the starter's files, to be unpacked in the workspace. */
  starter: Buffer;
};

/**
 * Makes the dev environment and its route. Waits for nothing but Docker's own answers: whether it serves is for the
 * caller to see.
 */
export async function bringUpPlainly(
  docker: Docker,
  gateway: SocketGateway,
  project: PlainProject,
): Promise<void> {
  const { namespace, slug, environment, starter } = project;
  const [service] = environment.services;
  const [volume] = environment.volumes;
  const [first, ...others] = environment.networks;
  if (!service || !volume || !first) throw new Error(`${slug} renders to no service, volume or network`);
  await Promise.all([
    ...environment.networks.map((network) =>
      docker.createNetwork({
        Name: network.name,
        Driver: "bridge",
        Internal: network.internal,
        Options: network.driverOptions,
        Labels: {},
        IPAM: { Driver: "default", Config: [{ Subnet: network.subnet ?? undefined }] },
      }),
    ),
    docker.createVolume({ Name: volume.name }),
  ]);
  const container = await docker.createContainer(
    containerOptions({
      ...service,
      // Without our labels: the worker has nothing to do with it.
      labels: {},
      name: containerName(namespace, environment.kind, service.service, 1),
    }),
  );
  await Promise.all([
    container.putArchive(starter, { path: WORKSPACE }),
    ...others.map((network) => docker.getNetwork(network.name).connect({ Container: container.id })),
  ]);
  await container.start();
  const address = (await container.inspect()).NetworkSettings.Networks[first.name]?.IPAddress;
  if (!address || !service.port) throw new Error(`${slug} got no address`);
  await gateway.pushProject({
    namespace,
    slug,
    version: 1,
    environments: {
      dev: {
        state: "serving",
        services: [{ service: service.service, prefix: "/", upstreams: [{ address, port: service.port }] }],
      },
    },
  });
}

export async function removePlainly(
  docker: Docker,
  gateway: SocketGateway,
  project: PlainProject,
): Promise<void> {
  const { namespace, environment } = project;
  await gateway.removeProject(namespace);
  for (const { service } of environment.services) {
    const name = containerName(namespace, environment.kind, service, 1);
    await docker.getContainer(name).remove({ force: true, v: true }).catch(unlessGone);
  }
  for (const { name } of environment.networks) await docker.getNetwork(name).remove().catch(unlessGone);
  for (const { name } of environment.volumes) await docker.getVolume(name).remove().catch(unlessGone);
}

function unlessGone(error: unknown): void {
  if (!(error instanceof Error && "statusCode" in error && error.statusCode === 404)) throw error;
}
