import Docker from "dockerode";
import { LABELS } from "../../core/labels.ts";
import { ensureFirewall } from "../../worker/firewall/firewall.ts";
import { noteInstance } from "./ledger.ts";

/** A test's process in the middle of its work, for tests/leftovers.test.ts: `… <instance id> <data directory> <ledger>`. */

const [instanceId, dataDir, ledger] = process.argv.slice(2) as [string, string, string];
const docker = new Docker();
const Labels = { [LABELS.instance]: instanceId };
await noteInstance({ instanceId, dataDir }, ledger);
const { id } = await docker.createNetwork({
  Name: instanceId,
  Internal: true,
  Labels,
  IPAM: { Driver: "default", Config: [{ Subnet: "10.249.200.0/28" }] },
});
await docker.createVolume({ Name: instanceId, Labels });
const container = await docker.createContainer({
  Image: "slipway/tools:1",
  Cmd: ["busybox", "sleep", "600"],
  Labels,
  HostConfig: {
    NetworkMode: id,
    Init: true,
    Mounts: [{ Type: "volume", Source: instanceId, Target: "/v" }],
  },
});
await container.start();
await ensureFirewall(docker, { instanceId });
console.log("ready");
setInterval(() => {}, 1000);
