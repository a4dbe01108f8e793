import { createHash } from "node:crypto";
import fc from "fast-check";
import { LABELS } from "../../core/labels.ts";
import { parseManifest, type ManifestInput } from "../../core/manifest.ts";
import { SlipwayError } from "../../core/errors.ts";
import type { ProjectRoutesInput } from "../../core/routes.ts";
import { projectSpec, STACKS, TEMPLATE } from "../../core/render/render.fixtures.ts";
import type { EngineContainer } from "../../worker/engine/engine.ts";
import { Passwords } from "../../worker/gateway/passwords.ts";
import { renderWanted } from "../../worker/renderWanted.ts";
import { replicaName } from "../../worker/rollout/replicas.ts";
import { routesOf } from "../../worker/routing.ts";
import { seeProject } from "../../worker/seen.ts";
import { places, replaced, strange } from "./fuzzValues.ts";
import { nextVersion, slugOf } from "./world.ts";

/** Manifests, good and bad in every field that the gateway is told of, and what a worker makes of those that are taken. */

/** Where the containers of a lane's services listen: this, and the lane's number. */
export const OWN_PORT = 4000;
/** In a text: the lane's number, so that one lane's manifests claim nothing that is another's. */
const LANE = "LANE";

const GOOD: ManifestInput = {
  name: "Fuzzed",
  services: {
    web: { image: "fuzzed:1", port: OWN_PORT, route: "/" },
    api: {
      ...{ image: "fuzzed:1", port: OWN_PORT, route: "/api/", replicas: 2 },
      gateway: {
        bodySize: "100m",
        timeouts: { connect: "2s", send: "30s", read: "60s", stream: "1h" },
        redirects: [{ from: "/api/old", to: "/api/new", status: 308 }],
        basicAuth: [
          { user: "anna", secret: "PASSWORD" },
          { user: "bob", hash: `pbkdf2-sha256$1000$${"ab".repeat(16)}$${"cd".repeat(32)}` },
        ],
        allow: ["10.0.0.0/8", "2001:db8::/32"],
        headers: { "X-Robots-Tag": "noindex" },
        stripPrefix: true,
      },
    },
  },
  gateway: {
    rateLimit: { project: { perSecond: 5000, burst: 10_000 }, client: { perSecond: 500, burst: 1000 } },
    connections: 20,
  },
  domains: [`lane-${LANE}.example.org`],
};

/** One broken field is enough for a manifest to be refused, and each has some twenty. */
function mostly<T>(good: fc.Arbitrary<T>, bad: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 60, arbitrary: good }, { weight: 1, arbitrary: bad });
}

const text = (characters: string, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters), minLength, maxLength });
const ascii = (first: string, last: string) =>
  String.fromCharCode(
    ...Array.from(
      { length: last.charCodeAt(0) - first.charCodeAt(0) + 1 },
      (_, index) => first.charCodeAt(0) + index,
    ),
  );
const VISIBLE = ascii("!", "~");
const anything = fc.string({ unit: "binary", maxLength: 12 });
const hex = (least: number, most: number) => text("0123456789abcdef", least, most);
const amount = (most: number, ...units: string[]) =>
  fc
    .tuple(
      fc.oneof(fc.constantFrom(1, 1.5, most), fc.integer({ min: 1, max: most })),
      fc.constantFrom(...units),
    )
    .map(([number, unit]) => `${number}${unit}`);
const size = mostly(
  fc.oneof(amount(1024, "b", "k", "m", "g", "GiB"), fc.constantFrom("0b", "0.4k")),
  fc.constantFrom("1025g", "-1b", "1t", "1", 1),
);
const duration = mostly(
  amount(24, "ms", "s", "m", "h"),
  fc.constantFrom("0ms", "0.4ms", "25h", "1", "1w", "1e3s", 5),
);

const segment = text("aZ09._~-", 1, 4);
const prefix = mostly(
  fc.oneof(
    fc.constantFrom("/", "/api", "/api/", "/api/admin", "/.", "/.."),
    fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join("/")}`),
    fc.integer({ min: 1, max: 499 }).map((length) => `/${"x".repeat(length)}`),
  ),
  fc.oneof(
    fc.constantFrom("//", "/a//b", "/%41", "/a b", "api", "", "/api//"),
    fc.integer({ min: 500, max: 2000 }).map((length) => `/${"y".repeat(length)}`),
  ),
);
const from = mostly(
  text(VISIBLE, 0, 12).map((rest) => `/${rest}`),
  anything,
);
const to = mostly(
  fc.oneof(
    text(VISIBLE, 0, 12).map((rest) => `/a${rest}`),
    fc.tuple(fc.constantFrom("http://", "https://"), text(VISIBLE, 0, 12)).map((parts) => parts.join("")),
  ),
  fc.oneof(
    anything,
    anything.map((rest) => `//${rest}`),
  ),
);
const network = mostly(
  fc.oneof(
    ...[fc.ipV4(), fc.ipV6(), fc.constantFrom("::ffff:10.0.0.1", "::", "0.0.0.0", "::/0", "0.0.0.0/0")],
    fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map((parts) => parts.join("/")),
    fc.tuple(fc.ipV6(), fc.integer({ min: 0, max: 128 })).map((parts) => parts.join("/")),
  ),
  fc.constantFrom("010.0.0.1", "10.0.0.0/08", "10.0.0.0/33", "fe80::1%eth0", "::/129", "1.2.3", ":::", ""),
);
const domain = mostly(
  fc.oneof(
    fc.constantFrom(`lane-${LANE}.example.org`, `b\u00fccher-${LANE}.example`, `UPPER-${LANE}.Example.`),
    fc.domain().map((name) => `lane-${LANE}.${name}`),
  ),
  fc.constantFrom(
    "blog.example.com",
    "localhost",
    "a.localhost",
    "10.0.0.1",
    "*.example.com",
    "a_b.example",
    "a",
  ),
);
const rate = fc.record(
  {
    perSecond: mostly(
      fc.oneof(fc.double({ min: 0.1, max: 1e6, noNaN: true }), fc.constantFrom(0.1, 5, 1e6)),
      fc.constantFrom(0, 0.09999, 1e6 + 1, "5"),
    ),
    burst: mostly(fc.oneof(fc.nat({ max: 1e6 }), fc.constantFrom(0, 1e6)), fc.constantFrom(-1, 0.5, 1e6 + 1)),
  },
  { requiredKeys: ["perSecond"] },
);
const user = mostly(text(VISIBLE.replace(":", ""), 1, 64), anything);
const credential = fc.oneof(
  fc.record({
    user,
    secret: mostly(fc.constant("PASSWORD"), fc.constantFrom("UNSET", "not a name")),
  }),
  fc.record({
    user,
    hash: fc
      .tuple(
        mostly(fc.integer({ min: 1000, max: 200_000 }), fc.constantFrom(999, 200_001, "01000")),
        mostly(hex(16, 64), fc.oneof(hex(15, 15), hex(65, 65))),
        mostly(hex(64, 64), fc.oneof(hex(63, 63), hex(65, 65))),
      )
      .map((parts) => ["pbkdf2-sha256", ...parts].join("$")),
  }),
);
const serviceGateway = fc.record(
  {
    bodySize: size,
    timeouts: fc.record(
      { connect: duration, send: duration, read: duration, stream: duration },
      { requiredKeys: [] },
    ),
    redirects: fc.array(
      fc.record(
        { from, to, status: mostly(fc.constantFrom(301, 302, 307, 308), fc.constantFrom(303, "301")) },
        { requiredKeys: ["from", "to"] },
      ),
      { maxLength: 3 },
    ),
    basicAuth: fc.array(credential, { minLength: 1, maxLength: 3 }),
    allow: fc.array(network, { minLength: 1, maxLength: 3 }),
    headers: mostly(
      fc.dictionary(
        fc.oneof(text("aZ09-", 1, 64), fc.constantFrom("X-Frame-Options", "Content-Security-Policy")),
        text(`${VISIBLE} `, 0, 40),
        { maxKeys: 3 },
      ),
      fc.dictionary(fc.constantFrom("Server", "Set-Cookie", "a b", "a".repeat(65)), anything),
    ),
    stripPrefix: fc.boolean(),
  },
  { requiredKeys: [] },
);

/** Of the right shape throughout, with values at the bounds of what is allowed and, here and there, beyond. */
const shaped = fc.record(
  {
    name: fc.constant("Fuzzed"),
    services: fc.dictionary(
      fc.constantFrom("web", "api", "a", "x".repeat(32)),
      fc.record(
        {
          image: fc.constant("fuzzed:1"),
          port: fc.oneof(
            { weight: 20, arbitrary: fc.constant(OWN_PORT) },
            fc.constantFrom(0, 1, 65_535, 65_536),
          ),
          route: prefix,
          gateway: serviceGateway,
        },
        { requiredKeys: ["image", "port"] },
      ),
      { minKeys: 1, maxKeys: 3 },
    ),
    gateway: fc.record(
      {
        rateLimit: fc.record({ project: rate, client: rate }, { requiredKeys: [] }),
        connections: mostly(fc.integer({ min: 1, max: 100_000 }), fc.constantFrom(0, 100_001)),
      },
      { requiredKeys: [] },
    ),
    domains: fc.uniqueArray(domain, { maxLength: 3 }),
  },
  { requiredKeys: ["name", "services"] },
);

/** As YAML and JSON can write them; `ofLane` makes one a lane's own. */
export const manifests: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 3, arbitrary: shaped },
  fc
    .tuple(fc.constantFrom(...places(GOOD)), strange)
    .map(([at, by]) => JSON.parse(JSON.stringify(replaced(GOOD, at, by)) ?? "null") as unknown),
);

export function ofLane(manifest: unknown, lane: number): unknown {
  return JSON.parse(JSON.stringify(manifest), (_, value: unknown) => {
    if (value === OWN_PORT) return OWN_PORT + lane;
    return typeof value === "string" ? value.replaceAll(LANE, String(lane)) : value;
  });
}

const passwords = new Passwords();
const SECRETS = new Map([["PASSWORD", "correct horse"]]);

/**
 * What a worker would push for a project of this manifest whose containers all run at `address`.
 * @returns null where the manifest is refused
 */
export async function tableOf(
  input: unknown,
  namespace: string,
  address: string,
): Promise<ProjectRoutesInput | null> {
  const parsed = readManifest(input);
  if (!parsed) return null;
  const { manifest } = await passwords.hashIn(parsed, SECRETS);
  const environments = (["dev", "deploy"] as const).map((kind) => ({ kind, desired: "running" as const }));
  const spec = { ...projectSpec({}, environments), namespace, slug: slugOf(namespace), manifest };
  const { project, error } = renderWanted({
    ...{ spec, stacks: STACKS, template: TEMPLATE, instanceId: "fuzzed12" },
  });
  if (error !== null && !(error instanceof SlipwayError)) throw error;
  const containers = (project?.environments ?? []).flatMap(({ kind, services }) =>
    services.flatMap((service) =>
      Array.from({ length: service.replicas }, (_, index): EngineContainer => {
        const name = replicaName(namespace, kind, service, index + 1);
        return {
          ...{
            id: createHash("sha256").update(name).digest("hex"),
            name,
            image: service.image,
            state: "running",
            health: "none",
            exitCode: null,
          },
          labels: { ...service.labels, [LABELS.configHash]: service.configHash },
          networks: { [service.networks[0]?.name ?? ""]: address },
        };
      }),
    ),
  );
  const readiness = { isReady: () => true, waitingMs: () => 0 };
  const seen = seeProject(spec, project, { containers, networks: [], volumes: [] }, readiness);
  const routes = routesOf(spec, seen, new Set(), {});
  return routes && { ...routes, version: nextVersion() };
}

function readManifest(input: unknown) {
  try {
    return parseManifest(input);
  } catch (error) {
    if (error instanceof SlipwayError && error.data.code === "bad_manifest") return null;
    throw error;
  }
}
