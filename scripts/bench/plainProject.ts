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
  /** Tars of starters' files, to be unpacked in the workspace. */
  files: Buffer[];
};

/**
 * Makes the dev environment and its route. Waits for nothing but Docker's own answers: whether it serves is for the
 * caller to see.
 * @returns pushes the route again, for when the worker took it away: it belongs to no project
 */
export async function bringUpPlainly(
  docker: Docker,
  gateway: SocketGateway,
  project: PlainProject,
): Promise<() => Promise<void>> {
  const { namespace, slug, environment, files } = project;
  const [volume] = environment.volumes;
  const [first, ...others] = environment.networks;
  if (!volume || !first) throw new Error(`${slug} renders to no volume or network`);
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
  const services = await Promise.all(
    environment.services.map(async (service, index) => {
      const container = await docker.createContainer(
        containerOptions({
          ...service,
          // Without our labels: the worker has nothing to do with it.
          labels: {},
          name: containerName(namespace, environment.kind, service.service, 1),
        }),
      );
      await Promise.all([
        // They share the volume, so the files go in once.
        ...(index === 0 ? files.map((tar) => container.putArchive(tar, { path: WORKSPACE })) : []),
        ...others.map((network) => docker.getNetwork(network.name).connect({ Container: container.id })),
      ]);
      return { service, container };
    }),
  );
  const routes = await Promise.all(
    services.map(async ({ service, container }) => {
      await container.start();
      const address = (await container.inspect()).NetworkSettings.Networks[first.name]?.IPAddress;
      if (!address || !service.port) throw new Error(`${slug} got no address`);
      const upstreams = [{ address, port: service.port }];
      return service.route === null ? [] : [{ service: service.service, prefix: service.route, upstreams }];
    }),
  );
  const push = async () => {
    await gateway.pushProject({
      ...{ namespace, slug, version: Date.now() },
      environments: { dev: { state: "serving", services: routes.flat() } },
    });
  };
  await push();
  return push;
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
