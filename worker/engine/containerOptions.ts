import type { ContainerCreateOptions } from "dockerode";
import type { ContainerPlan } from "./engine.ts";

const NANOSECONDS_PER_MS = 1_000_000;

/** A container as Docker's API takes it. It joins the first of its networks; older engines take no more at once. */
export function containerOptions(container: ContainerPlan): ContainerCreateOptions {
  const [network] = container.networks;
  const { healthcheck } = container;
  return {
    name: container.name,
    Image: container.image,
    ...(container.entrypoint && { Entrypoint: container.entrypoint }),
    ...(container.command && { Cmd: container.command }),
    User: container.user,
    ...(container.workingDir && { WorkingDir: container.workingDir }),
    Env: Object.entries(container.environment).map(([name, value]) => `${name}=${value}`),
    Labels: container.labels,
    ...(container.stopSignal && { StopSignal: container.stopSignal }),
    StopTimeout: Math.ceil(container.stopGraceMs / 1000),
    ...(healthcheck && {
      Healthcheck: {
        Test: healthcheck.test,
        Interval: healthcheck.intervalMs * NANOSECONDS_PER_MS,
        Timeout: healthcheck.timeoutMs * NANOSECONDS_PER_MS,
        Retries: healthcheck.retries,
        StartPeriod: healthcheck.startPeriodMs * NANOSECONDS_PER_MS,
      },
    }),
    HostConfig: {
      Init: container.init,
      ReadonlyRootfs: container.readOnly,
      CapDrop: container.capDrop,
      SecurityOpt: container.securityOptions,
      Memory: container.memoryBytes,
      MemorySwap: container.memorySwapBytes,
      NanoCpus: Math.round(container.cpus * 1e9),
      PidsLimit: container.pids,
      RestartPolicy: { Name: container.restart === "no" ? "" : container.restart },
      LogConfig: { Type: container.logging.driver, Config: container.logging.options },
      ...(container.dns.length > 0 && { Dns: container.dns }),
      Tmpfs: container.tmpfs,
      Mounts: container.mounts.map(({ volume, target, readOnly, noCopy }) => ({
        Type: "volume",
        Source: volume,
        Target: target,
        ReadOnly: readOnly,
        VolumeOptions: {
          NoCopy: noCopy,
          Labels: container.volumeLabels ?? {},
          DriverConfig: { Name: "", Options: {} },
        },
      })),
      NetworkMode: network?.name ?? "none",
    },
    ...(network && {
      NetworkingConfig: { EndpointsConfig: { [network.name]: { Aliases: network.aliases } } },
    }),
  };
}
