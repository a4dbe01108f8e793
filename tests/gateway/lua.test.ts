import { fileURLToPath } from "node:url";
import Docker from "dockerode";
import { expect, test } from "vitest";
import { GATEWAY_IMAGE } from "../../worker/gateway/config.ts";

const SOURCE = fileURLToPath(new URL("../../docker/nginx", import.meta.url));
const RUN_MS = 60_000;

test("every Lua module keeps its specification, inside the gateway's own nginx", async () => {
  const docker = new Docker();
  const container = await docker.createContainer({
    Image: GATEWAY_IMAGE,
    User: "65532:65532",
    Entrypoint: ["/bin/sh", "/src/spec/start.sh"],
    Cmd: [],
    Tty: true,
    Labels: { "slipway.instance": "gwspec23" },
    HostConfig: {
      NetworkMode: "none",
      ReadonlyRootfs: true,
      CapDrop: ["ALL"],
      Tmpfs: { "/tmp": "rw,mode=1777" },
      Mounts: [{ Type: "bind", Source: SOURCE, Target: "/src", ReadOnly: true }],
    },
  });
  try {
    await container.start();
    const ended = (await container.wait({ abortSignal: AbortSignal.timeout(RUN_MS) })) as {
      StatusCode: number;
    };
    const log = (await container.logs({ stdout: true, stderr: true })).toString("utf8");
    const lines = log.split(/\r?\n/).filter((line) => line !== "");
    expect(lines.filter((line) => line.startsWith("not ok"))).toEqual([]);
    expect(lines.at(-1)).toMatch(/^1\.\.\d\d+$/);
    expect(ended.StatusCode).toBe(0);
  } finally {
    await container.remove({ force: true });
  }
});
