import { createServer } from "node:net";
import { SlipwayError } from "../../core/errors.ts";

/** The port that the environment variable `name` holds; undefined where it is not set. @throws SlipwayError `setup` */
export function portFromEnvironment(name: string): number | undefined {
  const text = process.env[name];
  if (!text) return undefined;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 1 && port <= 65535) return port;
  throw new SlipwayError({
    code: "setup",
    message: `${name} is ${JSON.stringify(text.slice(0, 40))}, which is no port.`,
    hint: "Set it to a port from 1 to 65535, or leave it out.",
  });
}

/** Whether `port` of `host` could be listened on just now: a real bind, given back at once. */
export async function isPortFree(port: number, host = "127.0.0.1"): Promise<boolean> {
  return (await tryListen(port, host)) !== null;
}

/**
 * `wanted`, or where that is taken the next free port above it, or where a hundred are taken any free one.
 * @param taken ports that are spoken for though nobody listens on them yet
 */
export async function freePort(wanted: number, taken: number[] = [], host = "127.0.0.1"): Promise<number> {
  for (let port = wanted; port < wanted + 100 && port <= 65535; port++) {
    if (!taken.includes(port) && (await isPortFree(port, host))) return port;
  }
  for (;;) {
    const port = await tryListen(0, host);
    if (port !== null && !taken.includes(port)) return port;
  }
}

async function tryListen(port: number, host: string): Promise<number | null> {
  const server = createServer();
  return await new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE" || error.code === "EACCES") resolve(null);
      else reject(error);
    });
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const got = typeof address === "object" && address ? address.port : port;
      server.close(() => resolve(got));
    });
  });
}
