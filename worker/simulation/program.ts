import type { ManifestInput } from "../../core/manifest.ts";
import type { Random } from "./random.ts";
import type { GroupInput } from "./sharing.ts";
import type { Doom } from "./workerProcess.ts";

/** What people and misfortune do in a run, decided wholly by its seed before it begins. */
export type Program = {
  groups: GroupInput[];
  manifests: ManifestInput[];
  actions: Action[];
  /** How the first workers die. */
  dooms: Doom[];
  /** When all that goes wrong stops, in virtual ms. */
  calmAt: number;
  /** Whether images that are missing are there in the end. */
  mendsImages: boolean;
};

/** `pick` (in [0, 1)) chooses among what there is at that moment. */
export type Action = { at: number; pick: number; more: number; do: Deed };

const WEIGHTS = {
  move: 14,
  delete: 2,
  retry: 1,
  reclaim: 1,
  "docker kill": 2,
  "docker rm -f": 2,
  "docker stop": 1,
  "docker pause": 1,
  "docker unpause": 0.5,
  "network disconnect": 1,
  "network rm": 1,
  "network prune": 1,
  "container prune": 0.5,
  "image rm": 0.5,
  "foreign container": 0.5,
  "foreign network": 0.7,
  "foreign volume": 0.4,
  "foreign port": 0.7,
  "namesake container": 0.5,
  "namesake network": 0.4,
  "namesake volume": 0.4,
  orphan: 1.2,
  "engine restart": 1,
  "events lost": 1,
  "gateway away": 1,
  "gateway forgets": 0.5,
  "control plane away": 1.2,
  "worker crash": 2,
  "rival worker": 1,
  "clock forward": 0.5,
  "clock back": 0.5,
} as const;

/** Manifests are edited in some programs only (edits.ts). */
export type Deed = keyof typeof WEIGHTS | "edit";

const app = (more: object = {}) => ({ app: { stack: "node", route: "/", ...more } });

/** Projects of many kinds: one service and several, replicas, without egress, published, and with what goes wrong. */
const MANIFESTS: Omit<ManifestInput, "name">[] = [
  { stack: "node" },
  { stack: "static", egress: "none" },
  { services: { web: { stack: "react", route: "/" }, api: { stack: "node", route: "/api" } } },
  { services: { api: { stack: "node", route: "/", replicas: 2 }, tool: { image: "sim/tool:1" } } },
  { services: app({ publish: true }), environments: { deploy: { replicas: 2 } } },
  { services: { app: { image: "sim/broken:1", port: 8080 } } },
  { services: { app: { image: "registry.example/app:1", port: 8080 } }, egress: "none" },
  { services: { ...app(), side: { image: "sim/broken:2", port: 8081, route: "/side", publish: true } } },
  { stack: "node", env: { SIM: "crashes" } },
  { services: app({ publish: true }), env: { SIM: "slow" } },
  { stack: "python", env: { SIM: "deaf" } },
  { stack: "node", env: { SIM: "tests-fail" } },
  { stack: "unheard-of" },
];

export function programOf(random: Random): Program {
  const horizonMs = random.between(60_000, 300_000);
  const manifests = Array.from({ length: random.between(1, 3) }, (_, index) => ({
    ...random.pick(MANIFESTS),
    name: `p${index + 1}`,
  }));
  const action = (deed: Deed, at: number): Action => ({
    at,
    pick: random.next(),
    more: random.next(),
    do: deed,
  });
  const actions = [
    // Most projects come to run something soon, so that there is something to be disturbed.
    ...manifests.flatMap((_, index) => [
      { ...action("move", 500 + index * 200), pick: (index + 0.5) / manifests.length, more: 0 },
      { ...action("move", 1_500 + index * 300), pick: (index + 0.5) / manifests.length, more: 0 },
    ]),
    ...Array.from({ length: random.between(4, 22) }, () =>
      action(random.weighted(WEIGHTS), random.between(2_000, horizonMs)),
    ),
  ].sort((one, other) => one.at - other.at);
  const dooms = Array.from({ length: random.chance(0.5) ? random.between(1, 4) : 0 }, (): Doom => ({
    at: random.between(1, random.chance(0.5) ? 40 : 160),
    on: random.chance(0.5) ? "sent" : "effect",
  }));
  return {
    groups: [],
    manifests,
    actions,
    dooms,
    calmAt: horizonMs + 5_000,
    mendsImages: random.chance(0.5),
  };
}
