import { join } from "node:path";
import { gatewayBridgeName } from "../../core/naming.ts";

/** The image's local tag; docker/nginx/README.md says what is in it. */
export const GATEWAY_IMAGE = "slipway/gateway:1";
export const DEFAULT_HTTP_PORT = 8080;

/** Of a machine whose worker is root: a uid that no Debian package has. */
const UNPRIVILEGED_UID = 65532;

export type GatewayConfig = {
  /** 8 characters; in every name and label. */
  instanceId: string;
  /** Slipway's data directory on the host; the gateway's part is `<dataDir>/gateway/`. */
  dataDir: string;
  /** The host's port; default 8080. */
  httpPort?: number;
  /** The host's port for TLS; without one there is no TLS. */
  httpsPort?: number;
  /** Which names are sent from http to https, where they have a certificate: projects' own, all, or none. */
  httpsRedirect?: HttpsRedirect;
  /** CIDR networks of load balancers in front, whose word on the client's address and scheme is taken. */
  trustedProxies?: readonly string[];
  /** The host's address that the ports are bound to; default 127.0.0.1. */
  bindAddress?: string;
  /** `<environment>--<slug>.<baseDomain>` is an environment's own name; default `localhost`. */
  baseDomain?: string;
  /** Names besides the base domain and loopback under which the gateway itself is known, like a machine's name. */
  hosts?: readonly string[];
  /** IPv4 CIDR of the gateway's own network; default Docker's choice. */
  subnet?: string;
  /** CIDR networks that containers' addresses may be in; default any. */
  upstreamNetworks?: readonly string[];
  /** Requests of one client to the dashboard that are let through. */
  dashboardRate?: { perSecond: number; burst: number };
  /** nginx workers; default 2. */
  workers?: number;
  memoryBytes?: number;
  cpus?: number;
  image?: string;
  /** The worker's own user; default the process's. */
  user?: { uid: number; gid: number };
};

export const HTTPS_REDIRECTS = ["domains", "all", "off"] as const;
export type HttpsRedirect = (typeof HTTPS_REDIRECTS)[number];

export function gatewayName(instanceId: string): string {
  return `slipway-${instanceId}-gateway`;
}

/** Where the gateway listens on the host, as `address:port`, for people. */
export function listenAddress(config: GatewayConfig): string {
  const ports = [config.httpPort ?? DEFAULT_HTTP_PORT, ...(config.httpsPort ? [config.httpsPort] : [])];
  return ports.map((port) => `${config.bindAddress ?? "127.0.0.1"}:${port}`).join(" and ");
}

export const gatewayBridge = gatewayBridgeName;

/** Whom nginx runs as: the worker's own user, or where that is root an unprivileged one. */
export function gatewayUser(config: GatewayConfig): { uid: number; gid: number } {
  const own = config.user ?? { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return own.uid === 0 ? { uid: UNPRIVILEGED_UID, gid: UNPRIVILEGED_UID } : own;
}

/** Where the gateway keeps what, on the host. `door` is a directory that only the worker and the gateway can enter. */
export function gatewayPaths(dataDir: string) {
  const root = join(dataDir, "gateway");
  const state = join(root, "state");
  return {
    root,
    configs: join(root, "config"),
    state,
    door: join(state, "door"),
    pushSocket: join(state, "door", "push.sock"),
    frontSocket: join(state, "door", "front.sock"),
    /** Where the worker serves the dashboard. */
    dashboardSocket: join(state, "door", "dashboard.sock"),
    requestLog: join(state, "log", "requests.log"),
  };
}
