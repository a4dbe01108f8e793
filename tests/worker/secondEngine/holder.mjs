/**
 * The first process of the namespaces of a second engine (`secondEngine.ts`): starts its dockerd, as often as asked,
 * sends it signals, and runs commands beside it. Whatever it started ends with it. Also lets the outside in: what
 * connects to `front.sock` is connected to `port` of this network namespace.
 *
 * Usage: holder.mjs <folder> <port>, with an IPC channel for orders `{id, do, …}` and answers `{id, result | error}`.
 */
import { execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, connect } from "node:net";
import { join } from "node:path";

const [folder, port] = process.argv.slice(2);
let daemon = null;

const orders = {
  /** Starts dockerd with `args`; it is not ready yet then. */
  async start({ args }) {
    daemon = spawn("dockerd", args, { stdio: ["ignore", "inherit", "inherit"] });
    await new Promise((resolve, reject) => daemon.once("spawn", resolve).once("error", reject));
  },
  /** Sends dockerd a signal; where it is one that ends it, waits until it has ended. */
  async signal({ name, ends }) {
    const ended = new Promise((resolve) => daemon.once("exit", resolve));
    daemon.kill(name);
    if (ends) await ended;
  },
  async run({ command: [program, ...args] }) {
    return await new Promise((resolve, reject) =>
      execFile(program, args, (error, stdout) => (error ? reject(error) : resolve(stdout))),
    );
  },
};

process.on("message", async ({ id, do: what, ...order }) => {
  try {
    process.send({ id, result: await orders[what](order) });
  } catch (error) {
    process.send({ id, error: String(error) });
  }
});
process.on("disconnect", () => process.exit(0));

// Copies of others' mounts, which would keep their disks in use for as long as this process lives.
for (const line of (await readFile("/proc/self/mountinfo", "utf8")).split("\n")) {
  const [, , , , at] = line.split(" ");
  if (/ - \S+ \/dev\/loop\d+ /.test(line)) await orders.run({ command: ["umount", "--lazy", at] });
}
await orders.run({ command: ["ip", "link", "set", "lo", "up"] });
createServer((outside) => {
  const inside = connect(Number(port), "127.0.0.1");
  for (const [from, to] of [
    [outside, inside],
    [inside, outside],
  ]) {
    from.pipe(to);
    from.on("error", () => to.destroy());
  }
}).listen(join(folder, "front.sock"), () => process.send({ id: 0 }));
