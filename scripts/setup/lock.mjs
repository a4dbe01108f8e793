/**
 * A lock between processes of this machine that the kernel releases when its holder dies: whoever listens on the
 * socket of that name holds it. Linux has abstract socket names; elsewhere the socket is a file in the temporary folder.
 * Types: lock.d.mts.
 */
import { unlinkSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";

const RETRY_MS = 100;

export async function withLock(name, work, { onWait = () => {}, deadlineMs = 30 * 60_000 } = {}) {
  const release = await acquire(name, onWait, Date.now() + deadlineMs);
  try {
    return await work();
  } finally {
    await release();
  }
}

async function acquire(name, onWait, deadline) {
  const address = addressOf(name);
  let told = false;
  for (;;) {
    const server = await listen(address);
    if (server) return () => new Promise((resolve) => server.close(resolve));
    if (Date.now() > deadline) {
      throw new Error(`Another process has held the lock "${name}" for too long. End it, then try again.`);
    }
    if (!told) onWait();
    told = true;
    await holderGone(address, deadline);
  }
}

function addressOf(name) {
  const safe = `slipway-${name.replace(/[^A-Za-z0-9._-]+/g, "-")}`;
  return process.platform === "linux" ? `\0${safe}` : path.join(os.tmpdir(), `${safe}.lock`);
}

/** The listening server, or undefined when somebody else listens already. */
function listen(address) {
  return new Promise((resolve, reject) => {
    const connections = new Set();
    const server = net.createServer((socket) => {
      connections.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => connections.delete(socket));
      socket.unref();
    });
    server.on("error", (error) => (error.code === "EADDRINUSE" ? resolve(undefined) : reject(error)));
    server.listen({ path: address, exclusive: true }, () => {
      server.unref();
      const close = server.close.bind(server);
      server.close = (done) => {
        for (const socket of connections) socket.destroy();
        return close(done);
      };
      resolve(server);
    });
  });
}

/** Resolves when the holder hangs up or is not there any more; looks again now and then in any case. */
function holderGone(address, deadline) {
  return new Promise((resolve) => {
    const socket = net.connect(address);
    const again = () => {
      socket.destroy();
      setTimeout(resolve, RETRY_MS);
    };
    socket.setTimeout(Math.max(1, Math.min(5_000, deadline - Date.now())), again);
    socket.once("close", again);
    socket.once("error", (error) => {
      if (error.code === "ECONNREFUSED" && !address.startsWith("\0")) removeStale(address);
    });
    socket.resume();
  });
}

function removeStale(address) {
  try {
    unlinkSync(address);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}
