/**
 * Preloaded into the worker that is measured (`node --import`): writes each call that it makes to Docker, as `method
 * path`, to the file that SLIPWAY_BENCH_CALLS names. Docker is what is spoken to through a socket named docker.sock.
 */
import { subscribe } from "node:diagnostics_channel";
import { createWriteStream } from "node:fs";

/** Far less than whoever reads it waits for more. */
const FLUSH_AFTER_MS = 250;

const file = process.env.SLIPWAY_BENCH_CALLS;
if (file && process.argv.some((argument) => argument.endsWith("worker/main.ts"))) {
  const calls = createWriteStream(file, { flags: "a" });
  let lines = "";
  // A write for each would be a part of what is measured.
  const note = (line) => {
    if (lines === "") setTimeout(flush, FLUSH_AFTER_MS).unref();
    lines += line;
  };
  const flush = () => {
    calls.write(lines);
    lines = "";
  };
  subscribe("http.client.request.start", ({ request }) => {
    if (!request.socketPath?.endsWith("docker.sock")) return;
    const path = request.path.replace(/^\/v[\d.]+/, "").replace(/\?.*$/, "");
    note(`${request.method} ${path}\n`);
  });
}
