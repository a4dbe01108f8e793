/**
 * Preloaded into the worker that is measured (`node --import`): writes each call that it makes to Docker, as `method
 * path`, to the file that SLIPWAY_BENCH_CALLS names. Docker is what is spoken to through a socket named docker.sock.
 */
import { subscribe } from "node:diagnostics_channel";
import { createWriteStream } from "node:fs";

const file = process.env.SLIPWAY_BENCH_CALLS;
if (file && process.argv.some((argument) => argument.endsWith("worker/main.ts"))) {
  const calls = createWriteStream(file, { flags: "a" });
  subscribe("http.client.request.start", ({ request }) => {
    if (!request.socketPath?.endsWith("docker.sock")) return;
    const path = request.path.replace(/^\/v[\d.]+/, "").replace(/\?.*$/, "");
    calls.write(`${request.method} ${path}\n`);
  });
}
