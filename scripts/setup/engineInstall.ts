import { aptInstall } from "./aptInstall.ts";

/** What goes in: `docker-cli` where the distribution has split it off; AppArmor's parser, without which an engine on a
 * kernel with AppArmor starts no container. */
const PACKAGES = ["docker.io", "iptables", "ca-certificates", "apparmor"];
const OPTIONAL_PACKAGES = ["docker-cli"];

/**
 * Installs Docker Engine from the distribution's packages.
 * @throws SetupError with apt's last lines and the log's path
 */
export async function installEngine(onLine: (line: string) => void): Promise<void> {
  await aptInstall(PACKAGES, onLine, OPTIONAL_PACKAGES);
}
