import { createHash } from "node:crypto";
import type Docker from "dockerode";
import { LABELS } from "../../core/labels.ts";
import {
  DEFAULT_HTTP_PORT,
  GATEWAY_IMAGE,
  gatewayBridge,
  gatewayName,
  gatewayPaths,
  gatewayUser,
  type GatewayConfig,
} from "./config.ts";

const MEBIBYTE = 1024 ** 2;
const SECOND_NS = 1_000_000_000;
/** More than the 16,384 connections of one nginx worker; some machines refuse 20,000 and above. */
const OPEN_FILES = 18_000;

export const GATEWAY_ROLE = "gateway";

/** The gateway's own bridge: not internal, because only then can a port be published. */
export function networkSpec(config: GatewayConfig): Docker.NetworkCreateOptions {
  return {
    Name: gatewayName(config.instanceId),
    Driver: "bridge",
    CheckDuplicate: true,
    Options: { "com.docker.network.bridge.name": gatewayBridge(config.instanceId) },
    ...(config.subnet ? { IPAM: { Driver: "default", Config: [{ Subnet: config.subnet }] } } : {}),
    Labels: { [LABELS.instance]: config.instanceId, [LABELS.role]: GATEWAY_ROLE },
  };
}

function portBindings(config: GatewayConfig): Docker.PortMap {
  const at = (port: number) => [{ HostIp: config.bindAddress ?? "127.0.0.1", HostPort: String(port) }];
  return {
    "8080/tcp": at(config.httpPort ?? DEFAULT_HTTP_PORT),
    ...(config.httpsPort !== undefined && { "8443/tcp": at(config.httpsPort) }),
  };
}

/**
 * The gateway's container, with the configuration that `configuration` is a copy of. Its config-hash label covers
 * everything here and the id of the image: where that differs, the container is made anew.
 */
export function containerSpec(
  config: GatewayConfig,
  imageId: string,
  configuration: { directory: string; hash: string },
): Docker.ContainerCreateOptions {
  const name = gatewayName(config.instanceId);
  const { uid, gid } = gatewayUser(config);
  const ports = portBindings(config);
  const spec: Docker.ContainerCreateOptions = {
    Image: config.image ?? GATEWAY_IMAGE,
    User: `${uid}:${gid}`,
    Entrypoint: ["/bin/sh", "/etc/slipway/start.sh"],
    Cmd: [],
    Env: [`SLIPWAY_GATEWAY_WORKERS=${config.workers ?? 2}`],
    WorkingDir: "/",
    StopSignal: "SIGQUIT",
    StopTimeout: 35,
    ExposedPorts: Object.fromEntries(Object.keys(ports).map((port) => [port, {}])),
    Healthcheck: {
      Test: ["CMD", "/bin/sh", "/etc/slipway/health.sh"],
      Interval: 10 * SECOND_NS,
      Timeout: 3 * SECOND_NS,
      Retries: 3,
      StartPeriod: 5 * SECOND_NS,
    },
    HostConfig: {
      Init: true,
      NetworkMode: name,
      RestartPolicy: { Name: "unless-stopped" },
      PortBindings: ports,
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Memory: config.memoryBytes ?? 512 * MEBIBYTE,
      NanoCpus: Math.round((config.cpus ?? 2) * 1e9),
      PidsLimit: 64,
      Ulimits: [{ Name: "nofile", Soft: OPEN_FILES, Hard: OPEN_FILES }],
      Tmpfs: { "/tmp": "rw,noexec,nosuid,nodev,size=64m,mode=1777" },
      LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
      Mounts: [
        { Type: "bind", Source: configuration.directory, Target: "/etc/slipway", ReadOnly: true },
        { Type: "bind", Source: gatewayPaths(config.dataDir).state, Target: "/state" },
      ],
    },
    NetworkingConfig: { EndpointsConfig: { [name]: {} } },
  };
  const hash = createHash("sha256").update(imageId).update(JSON.stringify(spec)).digest("hex").slice(0, 16);
  return {
    ...spec,
    name,
    Labels: {
      [LABELS.instance]: config.instanceId,
      [LABELS.role]: GATEWAY_ROLE,
      [LABELS.configHash]: hash,
      "com.docker.compose.project": `slipway-${config.instanceId}`,
      "com.docker.compose.service": "gateway",
      "com.docker.compose.container-number": "1",
      "com.docker.compose.oneoff": "False",
    },
  };
}
