import type { HiddenPart, VolumeFill } from "../compose.ts";
import type { EnvironmentKind } from "../lifecycle.ts";

/** A rendered project in the worker's own terms: numbers with units, names as Docker has them. */
export type RenderedProject = {
  projectId: string;
  slug: string;
  namespace: string;
  /** In the order dev, test, deploy; only those that were rendered. */
  environments: RenderedEnvironment[];
};

export type RenderedEnvironment = {
  kind: EnvironmentKind;
  networks: RenderedNetwork[];
  volumes: RenderedVolume[];
  services: RenderedService[];
  /** The services of a release that gets some of the requests, beside `services`. */
  canary?: RenderedService[];
};

export type RenderedNetwork = {
  name: string;
  internal: boolean;
  driverOptions: Record<string, string>;
  /** IPv4 in CIDR form; null where Docker may choose. */
  subnet: string | null;
  labels: Record<string, string>;
};

export type RenderedVolume = {
  name: string;
  labels: Record<string, string>;
  /** What it may hold; null: as much as the disk has. */
  sizeBytes: number | null;
  /** Where its first content comes from; empty: nowhere. */
  fill: VolumeFill[];
};

export type RenderedService = {
  service: string;
  replicas: number;
  image: string;
  entrypoint: string[] | null;
  command: string[] | null;
  user: string;
  workingDir: string | null;
  environment: Record<string, string>;
  /** What variables that stand as ••• in `environment` are made of. */
  hidden: Record<string, HiddenPart[]>;
  /** Without the ones that differ between replicas. */
  labels: Record<string, string>;
  /** The first is the one that the gateway and readiness probes use. */
  networks: { name: string; aliases: string[] }[];
  mounts: { volume: string; target: string; readOnly: boolean; noCopy: boolean }[];
  /** Whom Docker's name server asks for names that it does not know itself; empty: whom the host asks. */
  dns: string[];
  /** Path → mount options. */
  tmpfs: Record<string, string>;
  readOnly: boolean;
  init: boolean;
  capDrop: string[];
  securityOptions: string[];
  memoryBytes: number;
  memorySwapBytes: number;
  cpus: number;
  pids: number;
  /** Null: what the image says, or SIGTERM. */
  stopSignal: string | null;
  stopGraceMs: number;
  restart: "no" | "always" | "unless-stopped" | "on-failure";
  healthcheck: {
    test: string[];
    intervalMs: number;
    timeoutMs: number;
    retries: number;
    startPeriodMs: number;
  } | null;
  logging: { driver: string; options: Record<string, string> };
  port: number | null;
  /** The port of the host, at 127.0.0.1, that leads to `port`. */
  hostPort: number | null;
  route: string | null;
  readyPath: string | null;
  /** Whether it is to end by itself, with 0 when all is well, rather than to serve. */
  job: boolean;
  /** Whether the app services wait for it before they start. */
  attachment: boolean;
  /** Whether the image has to be there before it can be said which volumes it needs. */
  volumesUnknown: boolean;
  /** Changes when, and only when, a container made from this would be a different one. */
  configHash: string;
};
