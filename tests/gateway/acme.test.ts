import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { projectSpec } from "../../core/render/render.fixtures.ts";
import { acmeIssuer } from "../../worker/certificates/acmeIssuer.ts";
import { AcmeStore } from "../../worker/certificates/acmeStore.ts";
import { CertificateKeeper } from "../../worker/certificates/certificateKeeper.ts";
import { realClock, type Clock } from "../../worker/clock.ts";
import { SocketCertificateDoor, type CertificateDoor } from "../../worker/gateway/certificateDoor.ts";
import { gatewayPaths } from "../../worker/gateway/config.ts";
import { ask } from "./client.ts";
import { startPebble, type Pebble } from "./pebble.ts";
import { World } from "./world.ts";

/** Certificates from an ACME server that really asks for what it is promised, and all that is kept of it. */

const PORT = 28_096;
const TLS_PORT = 28_097;
const DAY_MS = 24 * 3_600_000;

let world: World;
let pebble: Pebble;
let folder: string;
let keeper: CertificateKeeper | undefined;
let logged: { event: string; fields: Record<string, unknown> }[];

beforeAll(async () => {
  [world, pebble] = await Promise.all([
    World.start("gwacme23", PORT, "10.249.10", { httpsPort: TLS_PORT }),
    startPebble(PORT, 28_192),
  ]);
  folder = join(world.config.dataDir, "certificates", "acme");
});
afterAll(async () => {
  await keeper?.stop();
  await pebble?.stop();
  const faults = await world?.faults();
  await world?.stop();
  expect(faults?.filter((line) => !/ssl_certificate_by_lua/.test(line))).toEqual([]);
});

/** Another worker of this host, as it starts: nothing but what is on disk is known. */
async function startKeeper(
  options: { clock?: Clock; door?: CertificateDoor } = {},
): Promise<CertificateKeeper> {
  await keeper?.stop();
  const door = options.door ?? new SocketCertificateDoor(world.config.dataDir);
  const settings = { directory: pebble.directory, email: "ops@example.com", caFile: pebble.caFile };
  logged = [];
  keeper = new CertificateKeeper({
    dataDir: world.config.dataDir,
    baseDomain: "localhost",
    hosts: [],
    door,
    acme: { directory: pebble.directory, issue: acmeIssuer(settings, folder, door) },
    store: new AcmeStore(folder),
    reports: { reportCertificates: async () => undefined },
    clock: options.clock ?? realClock,
    log: (event, fields = {}) => logged.push({ event, fields }),
  });
  keeper.start();
  return keeper;
}

const shop = (...domains: string[]) => ({ ...projectSpec({ domains }), slug: "shop" });

/** Issuer and serial number of what a handshake gets; null where it gets nothing. */
function shake(servername: string): Promise<{ issuer: string; serial: string } | null> {
  return new Promise((resolve) => {
    const socket = tls.connect({ host: "127.0.0.1", port: TLS_PORT, servername, rejectUnauthorized: false });
    socket.setTimeout(20_000, () => socket.destroy());
    socket.on("error", () => resolve(null));
    socket.on("secureConnect", () => {
      const { issuer, serialNumber } = socket.getPeerCertificate();
      resolve({ issuer: String(issuer.CN), serial: serialNumber });
      socket.destroy();
    });
  });
}

const within = { timeout: 90_000, interval: 100 };

describe("a domain", () => {
  test("gets its certificate from the authority, and nothing before", async () => {
    const keeping = await startKeeper();
    expect(await shake("shop.example.com")).toBeNull();
    keeping.follow(shop("shop.example.com"));
    await expect
      .poll(() => shake("shop.example.com"), within)
      .toMatchObject({
        issuer: expect.stringContaining("Pebble"),
      });
    expect(await shake("dev--shop.localhost")).toMatchObject({
      issuer: expect.stringContaining("Slipway local CA"),
    });
    // It was asked here, and answers nobody any more.
    const token = /acme-challenge\/([\w-]+)/.exec(pebble.log())?.[1];
    expect(token).toBeDefined();
    const path = `/.well-known/acme-challenge/${token}`;
    expect((await ask(PORT, path, { host: "shop.example.com" })).status).toBe(404);
  });

  test("has its key, and the account's, in files that nobody else can read", async () => {
    const names = await readdir(folder);
    expect(names.sort()).toEqual(["account.json", "shop.example.com.certificate.json"]);
    for (const name of names) expect((await stat(join(folder, name))).mode & 0o777).toBe(0o600);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(JSON.stringify(logged)).not.toContain("PRIVATE KEY");
  });

  test("keeps it over a restart of the worker, which asks for nothing again", async () => {
    const before = await shake("shop.example.com");
    // Requests say nothing: some are refused and come again.
    const orders = () =>
      Math.max(
        ...[...pebble.log().matchAll(/There are now (\d+) orders/g)].map(([, count]) => Number(count)),
      );
    expect(orders()).toBe(1);
    const keeping = await startKeeper();
    keeping.follow(shop("shop.example.com", "blog.example.com"));
    await expect.poll(() => shake("blog.example.com"), within).not.toBeNull();
    expect(await shake("shop.example.com")).toEqual(before);
    expect(orders()).toBe(2);
    expect(pebble.log()).toContain("There are now 1 accounts");
    expect(pebble.log()).not.toContain("There are now 2 accounts");
  });

  test("has it renewed once two thirds of its life are over, with the old one serving until then", async () => {
    const before = await shake("shop.example.com");
    const later = (days: number): Clock => ({ ...realClock, now: () => Date.now() + days * DAY_MS });
    (await startKeeper({ clock: later(50) })).follow(shop("shop.example.com"));
    await expect.poll(() => shake("dev--shop.localhost"), within).not.toBeNull();
    expect(await shake("shop.example.com")).toEqual(before);
    (await startKeeper({ clock: later(65) })).follow(shop("shop.example.com"));
    await expect
      .poll(async () => (await shake("shop.example.com"))?.serial ?? before?.serial, within)
      .not.toBe(before?.serial);
  });

  test("that the authority cannot reach is asked for later, and not sooner after a restart", async () => {
    const real = new SocketCertificateDoor(world.config.dataDir);
    const silent: CertificateDoor = {
      put: (certificate) => real.put(certificate),
      remove: (id) => real.remove(id),
      digests: () => real.digests(),
      putChallenge: async () => undefined,
      removeChallenge: async () => undefined,
    };
    const failed = () => logged.filter(({ event }) => event === "acme-failed");
    (await startKeeper({ door: silent })).follow(shop("lost.example.com"));
    await expect.poll(failed, within).toHaveLength(1);
    const [failure] = failed();
    expect(Date.parse(String(failure?.fields.retryAt))).toBeGreaterThan(Date.now() + 10 * 60_000);
    const asked = pebble.log().length;
    (await startKeeper()).follow(shop("lost.example.com"));
    await expect.poll(() => shake("dev--shop.localhost"), within).not.toBeNull();
    await keeper?.stop();
    expect(failed()).toEqual([]);
    expect(pebble.log().length).toBe(asked);
    expect(await shake("lost.example.com")).toBeNull();
    const inAnHour: Clock = { ...realClock, now: () => Date.now() + 3_600_000 };
    (await startKeeper({ clock: inAnHour })).follow(shop("lost.example.com"));
    await expect.poll(() => shake("lost.example.com"), within).not.toBeNull();
  });

  test("gets one though its name is long; what is left of it goes once its project is known to be gone", async () => {
    // Longer than a common name or a file's name can be; the test's name server has room for no more.
    const longest = `${`${"a".repeat(60)}.`.repeat(3)}${"b".repeat(46)}.example.x`;
    expect(longest).toHaveLength(239);
    (await startKeeper()).follow(shop(longest));
    await expect
      .poll(() => shake(longest), within)
      .toMatchObject({ issuer: expect.stringContaining("Pebble") });
    const journal = join(gatewayPaths(world.config.dataDir).state, "certificates.journal");
    expect(await readFile(journal, "utf8")).toContain(longest);
    const keeping = await startKeeper();
    keeping.hosted(["another project"]);
    keeping.follow({ ...shop("shop.example.com"), projectId: "another project" });
    await expect.poll(() => shake(longest), within).toBeNull();
    expect(await readFile(journal, "utf8")).not.toContain(longest);
    expect(await new AcmeStore(folder).domains()).toEqual(["shop.example.com"]);
    expect(await shake("shop.example.com")).not.toBeNull();
  });
});
