import { LABELS } from "../labels.ts";
import type { EnvironmentKind } from "../lifecycle.ts";
import { servicesOf } from "../manifest.ts";
import { bridgeName, gatewayBridgeName, networkName } from "../naming.ts";
import type { GroupSpec, ProjectSpec } from "../projectSpec.ts";
import { attachmentViews } from "./attachmentView.ts";
import { nameServersOf } from "./nameServers.ts";
import type { Means, NetworkView, TemplateView } from "./view.ts";

/** What a group has of its own: for each kind of environment a network, and the group's attachments on it. */
export function groupView(
  group: GroupSpec,
  { attachments: definitions, instanceId, imageVolumes }: Means,
  kinds: readonly EnvironmentKind[],
): TemplateView {
  const { name, namespace } = group;
  const views = kinds.map((kind) => {
    const labels = [
      { name: LABELS.instance, value: instanceId },
      { name: LABELS.group, value: name },
      { name: LABELS.namespace, value: namespace },
      { name: LABELS.environment, value: kind },
    ];
    const network: NetworkView = {
      key: kind,
      name: networkName(namespace, kind),
      external: false,
      internal: true,
      bridge: bridgeName(instanceId, networkName(namespace, kind)),
      gatewayBridge: gatewayBridgeName(instanceId),
      subnet: group.subnets[kind] ?? null,
      labels,
    };
    const views = attachmentViews({
      ...{ namespace, attachments: group.attachments, kind, definitions, imageVolumes, labels, ports: {} },
      network: kind,
    });
    return { networks: [network], ...views };
  });
  return {
    project: "",
    slug: name,
    namespace,
    services: views.flatMap(({ services, networks }) =>
      services.map((service) => ({ ...service, dns: nameServersOf(service, networks) })),
    ),
    networks: views.flatMap(({ networks }) => networks),
    volumes: views.flatMap(({ volumes }) => volumes),
  };
}

/** The group's network as a member's file has it: made elsewhere. */
export function groupNetwork(group: GroupSpec, kind: EnvironmentKind): NetworkView {
  return {
    key: `${kind}_group`,
    name: networkName(group.namespace, kind),
    external: true,
    internal: true,
    bridge: "",
    gatewayBridge: "",
    subnet: null,
    labels: [],
  };
}

/** How a service is known to the group's other members; `web` alone would be every member's. */
export function groupAliases({ slug, manifest }: ProjectSpec, service: string): string[] {
  const services = Object.entries(servicesOf(manifest));
  const first = services.find(([, { route }]) => route === "/") ?? services[0];
  return [...(first?.[0] === service ? [slug] : []), `${service}.${slug}`];
}
