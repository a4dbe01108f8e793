import { realClock } from "../clock.ts";
import type { WorkerConfig } from "../config.ts";
import { SocketCertificateDoor } from "../gateway/certificateDoor.ts";
import type { Log } from "../log.ts";
import { acmeIssuer } from "./acmeIssuer.ts";
import { acmeFolder, AcmeStore } from "./acmeStore.ts";
import { CertificateKeeper } from "./certificateKeeper.ts";
import type { CertificateStore } from "./certificateReports.ts";

/** What keeps this worker's gateway in certificates; without TLS it has nothing to do. */
export function certificateKeeper(
  config: WorkerConfig,
  reports: CertificateStore,
  log: Log,
): CertificateKeeper | IdleKeeper {
  if (config.httpsPort === undefined) return idle;
  const door = new SocketCertificateDoor(config.dataDir);
  const folder = acmeFolder(config.dataDir);
  const say = (message: string) => log("certificate-file-unreadable", { message });
  return new CertificateKeeper({
    dataDir: config.dataDir,
    baseDomain: config.baseDomain,
    hosts: [config.httpBind].filter((address) => address !== "0.0.0.0" && address !== "::"),
    door,
    acme: config.acme && {
      directory: config.acme.directory,
      issue: acmeIssuer(config.acme, folder, door, { say }),
    },
    store: new AcmeStore(folder, say),
    reports,
    clock: realClock,
    log,
  });
}

type IdleKeeper = Pick<CertificateKeeper, "start" | "stop" | "follow" | "forget" | "hosted" | "look">;

const idle: IdleKeeper = {
  start: () => undefined,
  stop: () => Promise.resolve(),
  follow: () => undefined,
  forget: () => undefined,
  hosted: () => undefined,
  look: () => undefined,
};
