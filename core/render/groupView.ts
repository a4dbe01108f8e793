import { SlipwayError } from "../errors.ts";
import { LABELS } from "../labels.ts";
import type { EnvironmentKind } from "../lifecycle.ts";
import { servicesOf } from "../manifest.ts";
import { bridgeName, gatewayBridgeName, networkName } from "../naming.ts";
import type { GroupSpec, ProjectSpec } from "../projectSpec.ts";
import { attachmentViews } from "./attachmentView.ts";
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
    services: views.flatMap(({ services }) => services),
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

/**
 * Two networks that both know a name answer at random, so a name has to be either the project's or the group's.
 * @throws SlipwayError `bad_manifest`
 */
export function refuseGroupsNames({ manifest, group }: Pick<ProjectSpec, "manifest" | "group">): void {
  if (!group) return;
  const own = [...Object.keys(servicesOf(manifest)), ...manifest.attachments.map(({ alias }) => alias)];
  const twice = group.attachments.find(({ alias }) => own.includes(alias));
  if (!twice) return;
  throw new SlipwayError({
    code: "bad_manifest",
    message: `"${twice.alias}" is a service or an attachment of the project's, and an attachment of the group ${group.name}.`,
    path: "group",
    hint: "Give one of them another name: {image: …, alias: …}.",
  });
}
