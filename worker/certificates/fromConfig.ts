import { realClock } from "../clock.ts";
import type { WorkerConfig } from "../config.ts";
import { SocketCertificateDoor } from "../gateway/certificateDoor.ts";
import type { Log } from "../log.ts";
import { acmeIssuer } from "./acmeIssuer.ts";
import { acmeFolder, AcmeStore } from "./acmeStore.ts";
import { CertificateKeeper } from "./certificateKeeper.ts";

/** What keeps this worker's gateway in certificates; without TLS it has nothing to do. */
export function certificateKeeper(config: WorkerConfig, log: Log): CertificateKeeper | IdleKeeper {
  if (config.httpsPort === undefined) return idle;
  const door = new SocketCertificateDoor(config.dataDir);
  const folder = acmeFolder(config.dataDir);
  return new CertificateKeeper({
    dataDir: config.dataDir,
    baseDomain: config.baseDomain,
    hosts: [config.httpBind].filter((address) => address !== "0.0.0.0" && address !== "::"),
    door,
    acme: config.acme && {
      issue: acmeIssuer(config.acme, folder, door),
      store: new AcmeStore(folder),
    },
    clock: realClock,
    log,
  });
}

type IdleKeeper = Pick<CertificateKeeper, "start" | "stop" | "follow" | "forget" | "look">;

const idle: IdleKeeper = {
  start: () => undefined,
  stop: () => Promise.resolve(),
  follow: () => undefined,
  forget: () => undefined,
  look: () => undefined,
};
