import { describe, expect, test } from "vitest";
import { withDeadline } from "./deadline.ts";
import { engineErrorOf } from "./engineError.ts";

/** Docker's own sentences, as engines from 20.10 on say them. */
describe.each([
  [404, "No such image: shop:1", "image_missing"],
  [
    404,
    "pull access denied for shop, repository does not exist or may require 'docker login'",
    "pull_refused",
  ],
  [500, "Get https://registry.invalid/v2/: dial tcp: lookup registry.invalid: no such host", "pull_refused"],
  [403, "Pool overlaps with other one on this address space", "subnet_taken"],
  [400, "invalid pool request: Pool overlaps with other one on this address space", "subnet_taken"],
  [
    409,
    'Conflict. The container name "/x" is already in use by container "abc". You have to remove it',
    "name_taken",
  ],
  [409, "network with name x already exists", "name_taken"],
  [409, "removal of container abc is already in progress", "in_use"],
  [403, "error while removing network: network x id abc has active endpoints", "in_use"],
  [409, "remove x: volume is in use - [abc]", "in_use"],
  [500, "failed to create shim: mkdir /var/lib/docker/x: no space left on device", "disk_full"],
  [
    500,
    "driver failed programming external connectivity on endpoint x: Bind for 127.0.0.1:30001 failed: port is already allocated",
    "port_taken",
  ],
  [
    500,
    "driver failed programming external connectivity on endpoint x: Error starting userland proxy: listen tcp4 127.0.0.1:30001: bind: address already in use",
    "port_taken",
  ],
  [
    500,
    "failed to mount local volume: mount /data/volumes/x/mount/data:/var/lib/docker/volumes/x/_data, flags: 0x1000: no such file or directory",
    "disk_unmounted",
  ],
  [500, "write /var/lib/docker/tmp/x: disk quota exceeded", "disk_full"],
  [404, "manifest for shop:9 not found: manifest unknown: manifest unknown", "pull_refused"],
  [500, "toomanyrequests: You have reached your pull rate limit", "pull_refused"],
  [401, "unauthorized: authentication required", "pull_refused"],
  [404, "network x not found", "not_found"],
  [400, "invalid reference format", "refused"],
  [500, "something else", "failed"],
  [null, "connect ENOENT /var/run/docker.sock", "unreachable"],
  [null, "socket hang up", "unreachable"],
])("%s %s", (statusCode, message, fault) => {
  test(`is ${fault}`, () => {
    const error = Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - ${message}`), {
      statusCode: statusCode ?? undefined,
      json: { message },
    });
    const sorted = engineErrorOf("create x", error);
    expect(sorted.fault).toBe(fault);
    expect(sorted.message).toBe(`Docker could not create x: ${message}`);
    expect(sorted.data.hint).not.toBe("");
    expect(sorted.cause).toBe(error);
  });
});

test("a call that does not answer ends at its deadline, and its connection is given up", async () => {
  let aborted = false;
  const call = withDeadline("create x", 20, (signal) => {
    signal.addEventListener("abort", () => (aborted = true));
    return new Promise(() => {});
  });
  await expect(call).rejects.toMatchObject({ fault: "deadline", data: { code: "deadline" } });
  expect(aborted).toBe(true);
});
