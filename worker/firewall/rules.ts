import { bridgePrefix, gatewayBridgeName } from "../../core/naming.ts";

/**
 * The rules themselves, as iptables-save prints them, so that what is there can be compared with what should be (pure).
 * They speak of bridges by prefix alone: a project that comes or goes changes no rule.
 */

export type Family = "ipv4" | "ipv6";

/** One chain of ours: which chain of the system's jumps to it, and what is in it. */
export type Chain = { name: string; parent: "DOCKER-USER" | "FORWARD" | "INPUT"; rules: string[] };

/** Other people's bridges that Docker's own isolation does not know of, and those that it does: neither is "the internet". */
const PRIVATE_BRIDGES = [
  "docker0",
  "docker_gwbridge",
  "br-+",
  "sw+",
  "sg+",
  "virbr+",
  "lxcbr+",
  "lxdbr+",
  "incusbr+",
  "cni+",
  "podman+",
];

/** Cloud machines answer here with their credentials. */
const LINK_LOCAL: Record<Family, string> = { ipv4: "169.254.0.0/16", ipv6: "fe80::/10" };
const REJECT: Record<Family, string> = {
  ipv4: "-j REJECT --reject-with icmp-port-unreachable",
  ipv6: "-j REJECT --reject-with icmp6-port-unreachable",
};
const REPLIES = "-m conntrack --ctstate RELATED,ESTABLISHED";
const NEW = "-m conntrack --ctstate NEW";

export const OWN_CHAIN = /^SLIPWAY-(?:FWD|IN)-/;

export function forwardChainName(instanceId: string): string {
  return `SLIPWAY-FWD-${instanceId}`;
}

export function inputChainName(instanceId: string): string {
  return `SLIPWAY-IN-${instanceId}`;
}

/**
 * All that one instance wants of one address family.
 * @param forwardParent where forwarded packets pass first: `DOCKER-USER`, or `FORWARD` where the engine has no such chain
 */
export function desiredChains(
  instanceId: string,
  family: Family,
  forwardParent: "DOCKER-USER" | "FORWARD",
): Chain[] {
  const gateway = gatewayBridgeName(instanceId);
  const projects = `${bridgePrefix(instanceId)}+`;
  const reject = REJECT[family];
  return [
    {
      name: forwardChainName(instanceId),
      parent: forwardParent,
      rules: [
        // The gateway reaches the projects' containers, on internal networks too; they may only answer.
        `-i ${gateway} -o ${projects} -p tcp -j ACCEPT`,
        `-i ${projects} -o ${gateway} ${REPLIES} -j ACCEPT`,
        `-i ${projects} -o ${gateway} ${reject}`,
        // The gateway answers its clients and opens nothing else.
        `-i ${gateway} ${REPLIES} -j RETURN`,
        `-i ${gateway} ${reject}`,
        // Between projects' bridges Docker's isolation decides; within one it lets pass.
        `-i ${projects} -o ${projects} -j RETURN`,
        // Nobody else opens a connection to a project's container.
        `-o ${projects} ${REPLIES} -j RETURN`,
        `-o ${projects} -j DROP`,
        // What is left leaves a project for somewhere else: the internet, but no private place of this machine.
        `-i ${projects} ${REPLIES} -j RETURN`,
        `-d ${LINK_LOCAL[family]} -i ${projects} ${reject}`,
        ...PRIVATE_BRIDGES.map((bridge) => `-i ${projects} -o ${bridge} ${reject}`),
      ],
    },
    {
      name: inputChainName(instanceId),
      parent: "INPUT",
      // Services of the host. Docker's DNS is inside each container's own network and passes no chain of the host's.
      rules: [`-i ${projects} ${NEW} ${reject}`, `-i ${gateway} ${NEW} ${reject}`],
    },
  ];
}
