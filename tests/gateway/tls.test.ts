import { once } from "node:events";
import { readFile, rm, stat } from "node:fs/promises";
import http2 from "node:http2";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { LocalCa } from "../../worker/certificates/localCa.ts";
import { gatewayName, gatewayPaths } from "../../worker/gateway/config.ts";
import { SocketCertificateDoor } from "../../worker/gateway/certificateDoor.ts";
import { ask } from "./client.ts";
import { routesTo, slugOf, World, type Upstream } from "./world.ts";

/** As a name server would say, if the test's domains were anybody's. */
const toLoopback: LookupFunction = (_host, _options, found) =>
  found(null, [{ address: "127.0.0.1", family: 4 }]);

/** TLS at the gateway's own port, with certificates as data. */

const PORT = 28_090;
const TLS_PORT = 28_091;
const SHOP = "project_1700000000091_shopaaaa";
const AT_SHOP = `/projects/${SHOP}/dev`;
const DOMAIN = "shop.example.com";
const SHOP_HOST = `dev--${slugOf(SHOP)}.localhost`;

let world: World;
let door: SocketCertificateDoor;
let ca: LocalCa;
let shop: Upstream;

beforeAll(async () => {
  world = await World.start("gwtls123", PORT, "10.249.9", { httpsPort: TLS_PORT });
  door = new SocketCertificateDoor(world.config.dataDir);
  ca = await LocalCa.open(join(world.config.dataDir, "ca"), Date.now());
  shop = await world.upstream("shop", [await world.network(SHOP, "dev")]);
  await put(DOMAIN, [DOMAIN]);
  await put("base", ["localhost", "*.localhost", ""], ["127.0.0.1"]);
  // By itself: clients take no certificate for *.localhost.
  await put("project-shop", [SHOP_HOST]);
  await world.gateway.pushProject(
    routesTo(SHOP, { dev: [shop] }, { domains: [{ name: DOMAIN, environment: "dev" }] }),
  );
});
afterAll(async () => {
  const faults = await world?.faults();
  await world?.stop();
  // A handshake that is refused is said by nginx, and is no fault.
  expect(faults?.filter((line) => !/SSL_do_handshake|ssl_certificate_by_lua/.test(line))).toEqual([]);
});

async function put(id: string, names: string[], ips: string[] = [], digest = "one"): Promise<string> {
  const { chain, key } = await ca.issue({ dns: names.filter((name) => name !== ""), ips }, Date.now());
  await door.put({ id, names, chain, key, digest });
  return chain;
}

type Handshake = { protocol: string; alpn: string | false; names: string; serial: string };

/** What a handshake for `servername` comes to; with a certificate that the CA did not sign for it, an error. */
function shake(servername: string, options: tls.ConnectionOptions = {}): Promise<Handshake> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({
      host: "127.0.0.1",
      port: TLS_PORT,
      servername,
      ca: ca.certificate,
      ...options,
    });
    socket.setTimeout(20_000, () => socket.destroy(new Error("no handshake")));
    socket.on("error", reject);
    socket.on("secureConnect", () => {
      const { subjectaltname = "", serialNumber } = socket.getPeerCertificate();
      resolve({
        protocol: socket.getProtocol() ?? "",
        alpn: socket.alpnProtocol ?? false,
        names: subjectaltname,
        serial: serialNumber,
      });
      socket.destroy();
    });
  });
}

function get(host: string, path: string, headers: Record<string, string> = {}) {
  return new Promise<{ status: number; headers: Record<string, unknown>; body: string }>(
    (resolve, reject) => {
      https
        .get(
          {
            host: "127.0.0.1",
            port: TLS_PORT,
            servername: host,
            path,
            ca: ca.certificate,
            agent: false,
            timeout: 20_000,
            headers: { host: `${host}:${TLS_PORT}`, ...headers },
          },
          (response) => {
            let body = "";
            response.on("data", (chunk) => (body += String(chunk)));
            response.on("end", () =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
            );
          },
        )
        .on("error", reject);
    },
  );
}

describe("a handshake", () => {
  test("gets the certificate of the name that it asks for", async () => {
    expect((await shake(DOMAIN)).names).toBe(`DNS:${DOMAIN}`);
    expect((await shake(SHOP_HOST)).names).toBe(`DNS:${SHOP_HOST}`);
    const anyName = { checkServerIdentity: () => undefined };
    expect((await shake("dev--other.localhost", anyName)).names).toContain("DNS:*.localhost");
    expect((await shake("", anyName)).names).toContain("127.0.0.1");
  });

  test.each(["nosuch.example.com", "a.b.localhost", "example.com", `sub.${DOMAIN}`])(
    "for %s, which nobody has, is refused",
    async (name) => {
      await expect(shake(name)).rejects.toThrow(/alert|ECONNRESET|disconnected/);
    },
  );

  test("speaks HTTP/2 and TLS 1.3, and 1.2 with forward secrecy; nothing older", async () => {
    expect(await shake(DOMAIN, { ALPNProtocols: ["h2", "http/1.1"] })).toMatchObject({
      protocol: "TLSv1.3",
      alpn: "h2",
    });
    expect((await shake(DOMAIN, { maxVersion: "TLSv1.2" })).protocol).toBe("TLSv1.2");
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "ALL:@SECLEVEL=0" } as const;
    await expect(shake(DOMAIN, old)).rejects.toThrow();
    const weak = { maxVersion: "TLSv1.2", ciphers: "AES128-SHA:AES256-SHA256" } as const;
    await expect(shake(DOMAIN, weak)).rejects.toThrow();
  });

  test("gets a certificate that was replaced from the next one on, with no connection lost", async () => {
    const before = await shake(DOMAIN);
    const open = tls.connect({ host: "127.0.0.1", port: TLS_PORT, servername: DOMAIN, ca: ca.certificate });
    await once(open, "secureConnect");
    await put(DOMAIN, [DOMAIN], [], "two");
    const after = await shake(DOMAIN);
    expect(after.serial).not.toBe(before.serial);
    open.write(`GET / HTTP/1.1\r\nHost: ${DOMAIN}\r\nConnection: close\r\n\r\n`);
    let heard = "";
    for await (const chunk of open) heard += String(chunk);
    expect(heard).toMatch(/^HTTP\/1\.1 200/);
    expect((await door.digests()).get(DOMAIN)).toBe("two");
  });
});

describe("a request over TLS", () => {
  test("reaches the container, which is told so", async () => {
    const answer = await get(DOMAIN, "/a?b=c");
    expect(JSON.parse(answer.body)).toMatchObject({
      name: "shop",
      url: "/a?b=c",
      headers: { "x-forwarded-proto": "https", "x-forwarded-port": String(TLS_PORT) },
    });
    expect((await get("localhost", `${AT_SHOP}/x`)).status).toBe(200);
  });

  test("in HTTP/2 has many answers on one connection, and its bodies are bounded too", async () => {
    await world.gateway.pushProject(
      routesTo(
        SHOP,
        {},
        {
          domains: [{ name: DOMAIN, environment: "dev" }],
          environments: {
            dev: {
              state: "serving",
              services: [
                {
                  service: "app",
                  prefix: "/",
                  upstreams: [{ address: shop.address, port: shop.port }],
                  settings: { maxBodyBytes: 1024 ** 2 },
                },
              ],
            },
          },
        },
      ),
    );
    const client = http2.connect(`https://${DOMAIN}:${TLS_PORT}`, {
      ca: ca.certificate,
      createConnection: () =>
        tls.connect({
          host: "127.0.0.1",
          port: TLS_PORT,
          servername: DOMAIN,
          ca: ca.certificate,
          ALPNProtocols: ["h2"],
        }),
    });
    const request = (headers: http2.OutgoingHttpHeaders, body?: Buffer) =>
      new Promise<{ status: number; body: string }>((resolve, reject) => {
        const stream = client.request(headers, { endStream: body === undefined });
        let status = 0;
        let heard = "";
        stream.setTimeout(20_000, () => stream.destroy(new Error("no answer")));
        stream.on("response", (of) => (status = of[":status"] ?? 0));
        stream.on("data", (chunk) => (heard += String(chunk)));
        stream.on("error", (error) => (status ? resolve({ status, body: heard }) : reject(error)));
        stream.on("close", () => resolve({ status, body: heard }));
        if (body) stream.end(body);
      });
    try {
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, number) => request({ ":path": `/${number}` })),
      );
      for (const [number, { status, body }] of answers.entries()) {
        expect([status, (JSON.parse(body) as { url: string }).url]).toEqual([200, `/${number}`]);
      }
      const post = { ":method": "POST", ":path": "/upload" };
      const small = await request(post, Buffer.alloc(100_000));
      expect(JSON.parse(small.body)).toMatchObject({ bytes: 100_000 });
      expect((await request(post, Buffer.alloc(3 * 1024 ** 2))).status).toBe(413);
      expect((await request({ ":path": "/still" })).status).toBe(200);
      const astray = { ":authority": "example.com", ":path": "/" };
      expect(await request(astray)).toEqual({ status: 404, body: "" });
      expect(await request({ ...astray, ":path": "/.slipway/body/1m" })).toEqual({ status: 404, body: "" });
      const log = () => readFile(gatewayPaths(world.config.dataDir).requestLog, "utf8");
      await expect.poll(log, { timeout: 10_000 }).toContain(`"path":"/still"`);
    } finally {
      client.destroy();
    }
  });

  test("that is not spoken at all gets a page like any other", async () => {
    const plain = await ask(TLS_PORT, "/", { host: DOMAIN });
    expect(plain).toMatchObject({ status: 400, body: expect.stringContaining("Not a request") });
    expect(plain.headers.server).toBeUndefined();
    expect(await ask(TLS_PORT, "/", { host: "example.com" })).toMatchObject({ status: 400, body: "" });
  });

  test("may be a WebSocket", async () => {
    const socket = new WebSocket(`wss://${DOMAIN}:${TLS_PORT}/chat`, {
      ca: ca.certificate,
      lookup: toLoopback,
    } as WebSocket.ClientOptions);
    const [greeting] = (await once(socket, "message")) as [Buffer];
    socket.close();
    expect(JSON.parse(String(greeting))).toMatchObject({ name: "shop", url: "/chat" });
  });
});

describe("http", () => {
  test("leads to https where a domain has a certificate, and browsers are told to keep to it", async () => {
    const plain = await ask(PORT, "/a?b=c", { host: `${DOMAIN}:${PORT}`, method: "POST" });
    expect(plain).toMatchObject({
      status: 308,
      headers: { location: `https://${DOMAIN}:${TLS_PORT}/a?b=c` },
    });
    expect((await get(DOMAIN, "/")).headers["strict-transport-security"]).toMatch(/^max-age=\d+/);
  });

  test("stays for loopback names, which share their host with other ports", async () => {
    expect((await ask(PORT, "/", { host: SHOP_HOST })).status).toBe(200);
    expect((await get(SHOP_HOST, "/")).headers["strict-transport-security"]).toBeUndefined();
    expect((await get("localhost", `${AT_SHOP}/`)).headers["strict-transport-security"]).toBeUndefined();
  });

  test("stays for a domain without a certificate, and for the worker's own proofs", async () => {
    await door.remove(DOMAIN);
    expect((await ask(PORT, "/", { host: DOMAIN })).status).toBe(200);
    await expect(shake(DOMAIN)).rejects.toThrow();
    await put(DOMAIN, [DOMAIN], [], "two");
    const proof = await world.gateway.proveRoute({ namespace: SHOP, environment: "dev" });
    expect(proof.status).toBe(200);
  });

  test("answers a challenge for its host and token alone, whether or not anything else is there", async () => {
    const challenge = { host: "new.example.com", token: "tok_EN-1", answer: "tok_EN-1.thumb" };
    const path = `/.well-known/acme-challenge/${challenge.token}`;
    await door.putChallenge(challenge);
    expect(await ask(PORT, path, { host: "new.example.com" })).toMatchObject({
      status: 200,
      body: "tok_EN-1.thumb",
    });
    expect((await ask(PORT, path, { host: "other.example.com" })).status).toBe(404);
    expect((await ask(PORT, `${path}x`, { host: "new.example.com" })).status).toBe(404);
    await door.removeChallenge(challenge);
    expect((await ask(PORT, path, { host: "new.example.com" })).status).toBe(404);
  });
});

describe("the gateway", () => {
  test("refuses a key that is another certificate's, and tells nothing of it", async () => {
    const [one, two] = [
      await ca.issue({ dns: ["a.example.com"], ips: [] }, Date.now()),
      await ca.issue({ dns: ["a.example.com"], ips: [] }, Date.now()),
    ];
    const wrong = { id: "a.example.com", names: ["a.example.com"], digest: "x" };
    for (const pair of [
      { chain: one.chain, key: two.key },
      { chain: "nonsense", key: one.key },
      { chain: one.chain, key: "nonsense" },
    ]) {
      const refused = door.put({ ...wrong, ...pair });
      await expect(refused).rejects.toMatchObject({ kind: "invalid" });
      await expect(refused).rejects.not.toThrow(/PRIVATE KEY/);
    }
    expect((await door.digests()).has("a.example.com")).toBe(false);
  });

  test("serves its certificates from disk after a restart, from a file that is its own", async () => {
    const before = await shake(DOMAIN);
    const file = join(gatewayPaths(world.config.dataDir).state, "certificates.journal");
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await world.docker.getContainer(gatewayName(world.instanceId)).restart({ t: 5 });
    await expect.poll(() => shake(DOMAIN).catch(() => null), { timeout: 20_000 }).toEqual(before);
    await door.remove("base");
    expect(await readFile(file, "utf8")).not.toContain('"base"');
    await put("base", ["localhost", "*.localhost", ""], ["127.0.0.1"]);
    await rm(join(world.config.dataDir, "ca"), { recursive: true });
  });

  test("replaces a certificate again and again under load, and no request, WebSocket or connection is lost", async () => {
    let going = true;
    const failures: string[] = [];
    let answered = 0;
    const body = "x".repeat(20_000);
    /** Of one lane that keeps its connection: the ports that it came from. */
    const kept = new Set<number | undefined>();
    const shared = new https.Agent({ keepAlive: true, ca: ca.certificate });
    const own = new https.Agent({ keepAlive: true, maxSockets: 1, ca: ca.certificate });
    const lanes = Array.from({ length: 6 }, async (_, number) => {
      const agent = number === 0 ? own : number % 2 === 0 ? shared : false;
      for (let turn = number; going; turn += 1) {
        const isPost = turn % 3 === 0;
        try {
          const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
            const request = https.request(
              {
                ...{ host: "127.0.0.1", port: TLS_PORT, servername: DOMAIN, ca: ca.certificate, agent },
                ...{ method: isPost ? "POST" : "GET", path: isPost ? "/upload" : "/", timeout: 20_000 },
                headers: { host: DOMAIN, ...(isPost && { "content-length": body.length }) },
              },
              (response) => {
                let heard = "";
                response.on("data", (chunk) => (heard += String(chunk)));
                response.on("end", () => resolve({ status: response.statusCode ?? 0, body: heard }));
              },
            );
            request.on("socket", (socket) => {
              if (agent === own) request.once("response", () => kept.add(socket.localPort));
            });
            request.on("timeout", () => request.destroy(new Error("no answer")));
            request.on("error", reject);
            request.end(isPost ? body : undefined);
          });
          const { bytes } = JSON.parse(answer.body) as { bytes?: number };
          if (answer.status !== 200 || (isPost && bytes !== body.length))
            failures.push(`${isPost ? "POST" : "GET"}: ${answer.status} ${answer.body}`);
          answered += 1;
        } catch (error) {
          failures.push(String(error));
        }
      }
    });

    const openSocket = async () => {
      const options = { ca: ca.certificate, lookup: toLoopback } as WebSocket.ClientOptions;
      const socket = new WebSocket(`wss://${DOMAIN}:${TLS_PORT}/chat`, options);
      socket.on("error", (error) => failures.push(`WebSocket: ${String(error)}`));
      socket.on("close", (code) => going && code !== 1000 && failures.push(`WebSocket closed: ${code}`));
      await once(socket, "message");
      return socket;
    };
    const echo = async (socket: WebSocket, word: string) => {
      socket.send(word);
      const [message] = (await once(socket, "message", { signal: AbortSignal.timeout(20_000) })) as [Buffer];
      expect(String(message)).toBe(word.toUpperCase());
    };
    const throughout = await openSocket();
    const serials = new Set<string>();
    for (let count = 0; count < 20; count += 1) {
      const seen = answered;
      const across = await openSocket();
      await put(DOMAIN, [DOMAIN], [], `load ${count}`);
      serials.add((await shake(DOMAIN)).serial);
      await echo(throughout, `throughout ${count}`);
      await echo(across, `across ${count}`);
      across.close(1000);
      await expect.poll(() => answered, { timeout: 20_000 }).toBeGreaterThan(seen + 10);
    }
    going = false;
    await Promise.all(lanes);
    throughout.close(1000);
    shared.destroy();
    own.destroy();
    expect(failures).toEqual([]);
    expect(serials.size).toBe(20);
    expect(kept.size).toBe(1);
  });
});
