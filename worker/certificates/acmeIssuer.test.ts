import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import * as x509 from "@peculiar/x509";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CertificateDoor } from "../gateway/certificateDoor.ts";
import { acmeIssuer } from "./acmeIssuer.ts";
import { LocalCa } from "./localCa.ts";

/** What an order comes to at an authority that says anything at all; tests/gateway/acme.test.ts asks one that checks. */

type Answer = { status?: number; headers?: Record<string, string>; body?: unknown };

let server: http.Server;
let url: string;
let folder: string;
let authority: LocalCa;
let requests: string[];
/** What it answers at a path in place of what is usual. */
let instead: Partial<Record<string, () => Answer>>;
let challenges: number;
let request: x509.Pkcs10CertificateRequest | null;

const door: CertificateDoor = {
  put: async () => undefined,
  remove: async () => undefined,
  digests: async () => new Map(),
  putChallenge: async () => void (challenges += 1),
  removeChallenge: async () => void (challenges -= 1),
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "slipway-issuer-"));
  authority = await LocalCa.open(join(folder, "authority"), Date.now());
  server = http.createServer((asked, answered) => {
    let text = "";
    asked.on("data", (chunk) => (text += String(chunk)));
    asked.on("end", () => {
      const path = asked.url ?? "";
      if (asked.method !== "HEAD") requests.push(path);
      void answerTo(path, text).then(({ status = 200, headers = {}, body = {} }) => {
        answered.writeHead(status, {
          ...{ "replay-nonce": "nonce", "content-type": "application/json" },
          ...headers,
        });
        answered.end(typeof body === "string" ? body : JSON.stringify(body));
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});
beforeEach(async () => {
  [requests, instead, challenges, request] = [[], {}, 0, null];
  await rm(join(folder, "acme"), { recursive: true, force: true });
});

async function answerTo(path: string, text: string): Promise<Answer> {
  const own = instead[path]?.();
  if (own) return own;
  const order = {
    identifiers: [],
    authorizations: [`${url}/authorization`],
    finalize: `${url}/finalize`,
    certificate: `${url}/certificate`,
  };
  const challenge = { type: "http-01", url: `${url}/challenge`, token: "token", status: "valid" };
  switch (path) {
    case "/dir":
      return {
        body: { newNonce: `${url}/nonce`, newAccount: `${url}/account`, newOrder: `${url}/newOrder` },
      };
    case "/account":
      return { status: 201, headers: { location: `${url}/account/1` } };
    case "/newOrder":
      return {
        status: 201,
        headers: { location: `${url}/order` },
        body: { ...order, status: "pending" },
      };
    case "/authorization":
      return {
        body: {
          status: requests.includes("/challenge") ? "valid" : "pending",
          identifier: { type: "dns", value: "shop.example.com" },
          challenges: [challenge],
        },
      };
    case "/challenge":
      return { body: challenge };
    case "/finalize": {
      const { payload } = JSON.parse(text) as { payload: string };
      const { csr } = JSON.parse(Buffer.from(payload, "base64url").toString()) as { csr: string };
      request = new x509.Pkcs10CertificateRequest(Buffer.from(csr, "base64url"));
      return { body: { ...order, status: "processing" } };
    }
    case "/order":
      return { body: { ...order, status: request ? "valid" : "ready" } };
    case "/certificate": {
      const { chain } = await authority.issue({ dns: ["shop.example.com"], ips: [] }, Date.now());
      return { headers: { "content-type": "application/pem-certificate-chain" }, body: chain };
    }
    default:
      return {};
  }
}

const issuer = (deadlineMs?: number, say: (message: string) => void = () => undefined) =>
  acmeIssuer({ directory: `${url}/dir` }, join(folder, "acme"), door, { deadlineMs, say });

describe("a request for a certificate", () => {
  test.each(["shop.example.com", `${"a".repeat(60)}.${"b".repeat(60)}.example.com`])(
    "has its name, which may be longer than a common name, where names belong: %s",
    async (domain) => {
      const pair = await issuer()(domain);
      expect(pair.chain).toContain("BEGIN CERTIFICATE");
      expect(request?.subject).toBe("");
      const { rawData } = request!.getExtension("2.5.29.17")!;
      const { items } = new x509.SubjectAlternativeNameExtension(rawData).names;
      expect(items.map(({ value }) => value)).toEqual([domain]);
      expect(challenges).toBe(0);
    },
  );
});

describe("an order", () => {
  test.each([
    ["whose validation never ends", "/authorization"],
    ["that is never done", "/order"],
  ])("%s ends when its time is over, and asks for nothing any more", async (_what, path) => {
    const usual = await answerTo(path, "");
    instead[path] = () => ({ body: { ...(usual.body as object), status: "pending" } });
    await expect(issuer(1_500)("shop.example.com")).rejects.toMatchObject({ kind: "deadline" });
    const asked = requests.length;
    expect(challenges).toBe(0);
    await pause(2_500);
    expect(requests).toHaveLength(asked);
  });

  test("ends at once when nobody wants it any more", async () => {
    const usual = await answerTo("/authorization", "");
    instead["/authorization"] = () => usual;
    const given = new AbortController();
    const ordering = issuer()("shop.example.com", given.signal);
    await expect.poll(() => requests).toContain("/challenge");
    given.abort();
    await expect(ordering).rejects.toThrow();
    expect(challenges).toBe(0);
  });

  test("that is one too many is refused with its reason, and until when", async () => {
    const detail = "too many certificates (5) already issued for this exact set of identifiers";
    instead["/newOrder"] = () => ({
      status: 429,
      headers: { "retry-after": "3600" },
      body: { type: "urn:ietf:params:acme:error:rateLimited", detail },
    });
    const refused = await issuer()("shop.example.com").catch((error: unknown) => error);
    expect(refused).toMatchObject({ kind: "rateLimited", message: expect.stringContaining(detail) });
    const { notBefore } = refused as { notBefore: number };
    expect(Math.abs(notBefore - Date.now() - 3_600_000)).toBeLessThan(20_000);
    expect(requests.filter((path) => path === "/newOrder")).toHaveLength(1);
  });

  test("says what the authority saw in place of the answer", async () => {
    const usual = (await answerTo("/authorization", "")).body as { challenges: object[] };
    const error = { type: "urn:ietf:params:acme:error:dns", detail: "NXDOMAIN looking up A" };
    instead["/authorization"] = () =>
      requests.includes("/challenge")
        ? { body: { ...usual, status: "invalid", challenges: [{ ...usual.challenges[0], error }] } }
        : { body: usual };
    await expect(issuer()("shop.example.com")).rejects.toMatchObject({
      kind: "dns",
      message: expect.stringContaining("NXDOMAIN"),
    });
  });

  test("survives an answer that got lost, or an authority that is busy for a moment", async () => {
    let busy = 1;
    instead["/newOrder"] = () => (busy-- > 0 ? { status: 503 } : (undefined as unknown as Answer));
    expect((await issuer()("shop.example.com")).chain).toContain("BEGIN CERTIFICATE");
  });

  test("says that nobody answers at the directory", async () => {
    const nobody = acmeIssuer({ directory: "http://127.0.0.1:1/dir" }, join(folder, "acme"), door, {
      deadlineMs: 20_000,
    });
    await expect(nobody("shop.example.com")).rejects.toMatchObject({
      kind: "unreachable",
      message: expect.stringContaining("ECONNREFUSED"),
    });
  });
});

test("an account's file that is not whole is set aside, and nothing of it is told", async () => {
  const path = join(folder, "acme", "account.json");
  await mkdir(join(folder, "acme"));
  await writeFile(path, '{"key":"-----BEGIN PRIVATE');
  const said: string[] = [];
  await issuer(undefined, (message) => said.push(message))("shop.example.com");
  expect(said).toHaveLength(1);
  expect(said[0]).not.toContain("PRIVATE");
  expect((await readdir(join(folder, "acme"))).sort()).toEqual(["account.json", "account.json.unreadable"]);
  expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ url: `${url}/account/1` });
});
