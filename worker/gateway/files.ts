import { createHash } from "node:crypto";
import { chmod, chown, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as z from "zod";
import { parseBaseDomain } from "../../core/baseDomain.ts";
import { SlipwayError } from "../../core/errors.ts";
import { hashFiles, type Files } from "../readFiles.ts";
import { gatewayPaths, gatewayUser, type GatewayConfig } from "./config.ts";

const vNetwork = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()]);

/** Requests per second that the gateway lets through where a project's table says nothing else, and to the dashboard. */
const DEFAULT_RATES = {
  project: { perSecond: 5_000, burst: 10_000 },
  client: { perSecond: 1_000, burst: 2_000 },
  /** Of one client: a page with its files is a hundred requests at once, and everybody behind one address is one client. */
  dashboard: { perSecond: 200, burst: 1_000 },
};

/**
 * Puts a copy of nginx's configuration, named for its content, below the data directory: what the running gateway has
 * mounted stays as it was made, whatever happens to the repository.
 * @param files what it is a copy of
 * @returns the copy's directory, and the hash of all that is in it
 */
export async function installConfiguration(
  config: GatewayConfig,
  files: Files,
): Promise<{ directory: string; hash: string }> {
  const settings = JSON.stringify(gatewaySettings(config));
  const trusted = trustedProxies(config.trustedProxies ?? []);
  const hash = hashOf(settings + trusted, files);
  const { configs } = gatewayPaths(config.dataDir);
  const directory = join(configs, hash);
  if (await exists(join(directory, "settings.json"))) return { directory, hash };

  const beside = `${directory}.${process.pid}`;
  await rm(beside, { recursive: true, force: true });
  await mkdir(beside, { recursive: true, mode: 0o755 });
  for (const [name, content] of files) {
    await mkdir(dirname(join(beside, name)), { recursive: true });
    await writeFile(join(beside, name), content);
  }
  await writeFile(join(beside, "trusted.conf"), trusted);
  await writeFile(join(beside, "settings.json"), settings);
  await makeReadable(beside);
  await rm(directory, { recursive: true, force: true });
  await rename(beside, directory);
  return { directory, hash };
}

/** Removes the copies that no gateway uses any more. */
export async function removeOtherConfigurations(config: GatewayConfig, inUse: string): Promise<void> {
  const { configs } = gatewayPaths(config.dataDir);
  for (const name of await readdir(configs)) {
    if (name !== inUse) await rm(join(configs, name), { recursive: true, force: true });
  }
}

/** Makes the directory of the table and the door, which nobody but the gateway's user (and root) can enter. */
export async function prepareState(config: GatewayConfig): Promise<void> {
  const { root, state, door } = gatewayPaths(config.dataDir);
  const { uid, gid } = gatewayUser(config);
  await mkdir(root, { recursive: true });
  for (const directory of [state, door]) {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if (process.getuid?.() === 0) await chown(directory, uid, gid);
    await chmod(directory, 0o700).catch((cause: unknown) => {
      throw new SlipwayError(
        {
          code: "setup",
          message: `${directory} belongs to another user than the worker's.`,
          hint: `Run Slipway as the user that made it, or give it over: chown -R ${uid}:${gid} ${state}`,
        },
        { cause },
      );
    });
  }
}

/** What docker/nginx/lua/slipway/settings.lua reads. */
function gatewaySettings(config: GatewayConfig) {
  const baseDomain = parseBaseDomain(config.baseDomain);
  const hosts = new Set([baseDomain, "localhost", "127.0.0.1", "[::1]", ...(config.hosts ?? [])]);
  const bound = config.bindAddress ?? "127.0.0.1";
  if (bound !== "0.0.0.0" && bound !== "::") hosts.add(bound.includes(":") ? `[${bound}]` : bound);
  return {
    baseDomain,
    hosts: [...hosts].map((host) => host.toLowerCase()),
    limits: { ...DEFAULT_RATES, ...(config.dashboardRate && { dashboard: config.dashboardRate }) },
    upstreamNetworks: config.upstreamNetworks,
    httpsPort: config.httpsPort,
    httpsRedirect: config.httpsRedirect ?? "domains",
  };
}

/** What nginx.conf includes: of whom X-Forwarded-For and X-Forwarded-Proto are believed, and the scheme that follows. */
function trustedProxies(networks: readonly string[]): string {
  const wrong = networks.find((network) => !vNetwork.safeParse(network).success);
  if (wrong !== undefined) {
    throw new SlipwayError({
      code: "setup",
      message: `${JSON.stringify(wrong)} is no address or network of a load balancer.`,
      hint: "Correct SLIPWAY_TRUSTED_PROXIES: addresses or CIDR networks with commas between them.",
    });
  }
  if (networks.length === 0) return 'map "" $slipway_scheme { default $scheme; }\n';
  return [
    "real_ip_header X-Forwarded-For;",
    "real_ip_recursive on;",
    ...networks.map((network) => `set_real_ip_from ${network};`),
    "geo $realip_remote_addr $slipway_from_trusted {",
    "    default 0;",
    ...networks.map((network) => `    ${network} 1;`),
    "}",
    // A load balancer may have ended TLS itself.
    'map "$slipway_from_trusted:$http_x_forwarded_proto" $slipway_scheme {',
    "    default $scheme;",
    '    "1:https" https;',
    '    "1:http" http;',
    "}",
    "",
  ].join("\n");
}

function hashOf(settings: string, files: Files): string {
  const hash = createHash("sha256").update(settings);
  hashFiles(hash, files);
  return hash.digest("hex").slice(0, 16);
}

/** The gateway runs as another user than the one who wrote the files, whatever the umask was. */
async function makeReadable(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  }
}

async function exists(path: string): Promise<boolean> {
  return readFile(path).then(
    () => true,
    () => false,
  );
}
