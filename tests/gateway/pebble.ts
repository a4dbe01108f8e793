import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LocalCa } from "../../worker/certificates/localCa.ts";
import { debianPrograms, type Program } from "./debianPrograms.ts";
import { waitFor } from "../../worker/gateway/waitFor.ts";

/**
 * Let's Encrypt's own ACME test server, which really fetches what it asks for: from PATH, or from Debian's package
 * `pebble`, unpacked into a folder of its own and installed nowhere.
 */

const READY_MS = 30_000;

export type Pebble = {
  directory: string;
  /** A file with the CA that the server's own certificate is from. */
  caFile: string;
  /** What it has logged so far. */
  log(): string;
  stop(): Promise<void>;
};

/**
 * @param challengePort where each name's port 80 is found, at 127.0.0.1
 * @param firstPort it listens on this and the three after it
 */
export async function startPebble(challengePort: number, firstPort: number): Promise<Pebble> {
  const folder = await mkdtemp(join(tmpdir(), "slipway-pebble-"));
  const programs = await debianPrograms(["pebble", "pebble-challtestsrv"], ["pebble"], folder);
  const ca = await LocalCa.open(folder, Date.now());
  const own = await ca.issue({ dns: ["localhost"], ips: ["127.0.0.1"] }, Date.now());
  const paths = {
    ca: join(folder, "ca.pem"),
    chain: join(folder, "cert.pem"),
    key: join(folder, "key.pem"),
    config: join(folder, "config.json"),
  };
  const [port, management, dns, dnsManagement] = [0, 1, 2, 3].map((more) => firstPort + more);
  const config = {
    pebble: {
      listenAddress: `127.0.0.1:${port}`,
      managementListenAddress: `127.0.0.1:${management}`,
      certificate: paths.chain,
      privateKey: paths.key,
      httpPort: challengePort,
      tlsPort: 1,
      ocspResponderURL: "",
      certificateValidityPeriod: 90 * 24 * 3600,
    },
  };
  await Promise.all([
    writeFile(paths.ca, ca.certificate),
    writeFile(paths.chain, own.chain),
    writeFile(paths.key, own.key, { mode: 0o600 }),
    writeFile(paths.config, JSON.stringify(config)),
  ]);

  let log = "";
  const start = ({ path, env: own }: Program, args: string[], env: NodeJS.ProcessEnv = {}) => {
    const child = spawn(path, args, { env: { ...own, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (log += String(chunk)));
    return child;
  };
  const off = ["http01", "https01", "tlsalpn01"].flatMap((name) => [`-${name}`, ""]);
  const names = ["-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""];
  const children = [
    start(programs["pebble-challtestsrv"], [
      ...names,
      ...off,
      "-dns01",
      `127.0.0.1:${dns}`,
      "-management",
      `127.0.0.1:${dnsManagement}`,
    ]),
    // As the real one does: a nonce is refused now and then, and a validation may take a moment.
    start(programs.pebble, ["-config", paths.config, "-dnsserver", `127.0.0.1:${dns}`], {
      PEBBLE_VA_NOSLEEP: "1",
      PEBBLE_WFE_NONCEREJECT: "20",
      PEBBLE_AUTHZREUSE: "0",
    }),
  ];
  const stop = async () => {
    await Promise.all(children.map(end));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await waitFor(
      READY_MS,
      50,
      async () => log.includes("Listening on") || undefined,
      async () => new Error(`pebble does not come up: ${log.slice(-2000)}`),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { directory: `https://127.0.0.1:${port}/dir`, caFile: paths.ca, log: () => log, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  const late = setTimeout(() => child.kill("SIGKILL"), 5_000);
  await gone;
  clearTimeout(late);
}
