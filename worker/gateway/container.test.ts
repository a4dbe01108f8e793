import { describe, expect, test } from "vitest";
import { LABELS } from "../../core/labels.ts";
import type { GatewayConfig } from "./config.ts";
import { containerSpec, networkSpec } from "./container.ts";

const config: GatewayConfig = {
  instanceId: "abcd2345",
  dataDir: "/var/lib/slipway",
  httpPort: 8080,
  user: { uid: 0, gid: 0 },
};
const configuration = { directory: "/var/lib/slipway/gateway/config/0123", hash: "0123" };
const hashOf = (spec: { Labels?: Record<string, string> }) => spec.Labels?.[LABELS.configHash];

describe("the gateway's container", () => {
  test("has the least it needs", () => {
    const spec = containerSpec(config, "sha256:1", configuration);
    expect(spec.User).toBe("65532:65532");
    expect(spec.HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      Init: true,
      RestartPolicy: { Name: "unless-stopped" },
      PortBindings: { "8080/tcp": [{ HostIp: "127.0.0.1", HostPort: "8080" }] },
    });
    expect(spec.HostConfig?.Mounts).toContainEqual({
      Type: "bind",
      Source: configuration.directory,
      Target: "/etc/slipway",
      ReadOnly: true,
    });
  });

  test("runs as the worker's own user where that is not root", () => {
    const spec = containerSpec({ ...config, user: { uid: 1001, gid: 1002 } }, "sha256:1", configuration);
    expect(spec.User).toBe("1001:1002");
  });

  test("carries a hash of all that it is made from", () => {
    const hash = hashOf(containerSpec(config, "sha256:1", configuration));
    expect(hashOf(containerSpec({ ...config }, "sha256:1", configuration))).toBe(hash);
    const others = [
      containerSpec(config, "sha256:2", configuration),
      containerSpec({ ...config, httpPort: 8081 }, "sha256:1", configuration),
      containerSpec({ ...config, bindAddress: "0.0.0.0" }, "sha256:1", configuration),
      containerSpec(config, "sha256:1", { directory: "/var/lib/slipway/gateway/config/4567", hash: "4567" }),
    ];
    for (const other of others) expect(hashOf(other)).not.toBe(hash);
  });

  test("is on a bridge whose name the firewall knows", () => {
    expect(networkSpec({ ...config, subnet: "10.249.0.0/28" })).toMatchObject({
      Name: "slipway-abcd2345-gateway",
      Options: { "com.docker.network.bridge.name": "sgabcd2345" },
      IPAM: { Config: [{ Subnet: "10.249.0.0/28" }] },
    });
  });
});
