import { mkdtemp, rm, writeFile, chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LABELS } from "../../../core/labels.ts";
import { gatewayName, GATEWAY_IMAGE } from "../../../worker/gateway/config.ts";
import type { World } from "../world.ts";

/** nginx as somebody would write it by hand: what the gateway is measured beside, and a server quick enough to stand behind. */

const HEAD = `
daemon off;
pid /tmp/nginx.pid;
error_log stderr warn;
worker_processes 2;
events { worker_connections 16384; multi_accept on; }
`;
const PATHS = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
  .map((name) => `${name}_temp_path /tmp/${name};`)
  .join(" ");

/** Answers 1 KiB at once. */
export const SERVER = `${HEAD}
http {
  ${PATHS}
  access_log off;
  keepalive_requests 1000000;
  server { listen 3000; location / { default_type text/plain; return 200 "${"slipway ".repeat(128)}"; } }
}`;

/**
 * A reverse proxy with keep-alive to one server, and nothing else: as many nginx workers as the gateway has, no routing, no
 * limits, no headers of its own. With `accessLog`, the ordinary one (combined, buffered) that such a proxy has in practice.
 */
export const minimalProxy = (upstream: string, { accessLog }: { accessLog: boolean }) => `${HEAD}
http {
  ${PATHS}
  access_log ${accessLog ? "/tmp/access.log combined buffer=64k flush=1s" : "off"};
  keepalive_requests 1000000;
  upstream app { server ${upstream}; keepalive 256; }
  server {
    listen 8080;
    location / {
      proxy_pass http://app;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}`;

/** A container with that configuration, on `network`, bounded as the gateway is. @returns its address there */
export async function startNginx(
  world: World,
  name: string,
  network: string,
  configuration: string,
): Promise<{ id: string; address: string; remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "slipway-bench-nginx-"));
  await chmod(folder, 0o755);
  await writeFile(join(folder, "nginx.conf"), configuration);
  const { HostConfig: gateway } = await world.docker.getContainer(gatewayName(world.instanceId)).inspect();
  const container = await world.docker.createContainer({
    name: `${world.instanceId}-${name}`,
    Image: GATEWAY_IMAGE,
    User: "65532:65532",
    Entrypoint: ["nginx", "-c", "/conf/nginx.conf"],
    Cmd: [],
    Labels: { [LABELS.instance]: world.instanceId },
    HostConfig: {
      NetworkMode: network,
      ReadonlyRootfs: true,
      Memory: gateway.Memory,
      NanoCpus: gateway.NanoCpus,
      PidsLimit: gateway.PidsLimit,
      CapDrop: gateway.CapDrop,
      SecurityOpt: gateway.SecurityOpt,
      Ulimits: gateway.Ulimits,
      Tmpfs: { "/tmp": "rw,mode=1777,size=512m" },
      Mounts: [{ Type: "bind", Source: folder, Target: "/conf", ReadOnly: true }],
    },
  });
  await container.start();
  const { NetworkSettings } = await container.inspect();
  return {
    id: container.id,
    address: NetworkSettings.Networks[network]?.IPAddress ?? "",
    remove: async () => {
      await container.remove({ force: true });
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The gateway's own address on its bridge: neither it nor the other one is measured through Docker's port proxy. */
export async function gatewayAddress(world: World): Promise<string> {
  const name = gatewayName(world.instanceId);
  const { NetworkSettings } = await world.docker.getContainer(name).inspect();
  return NetworkSettings.Networks[name]?.IPAddress ?? "";
}
