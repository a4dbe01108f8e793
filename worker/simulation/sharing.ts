import type { ManifestInput } from "../../core/manifest.ts";
import type { Program } from "./program.ts";
import type { Random } from "./random.ts";

/**
 * Gives a program what projects attach and share: databases of their own, and a group with a network and attachments.
 * Decided apart from the rest, so that the other seeds' programs are what they always were.
 */

/** A group that is made before any project. */
export type GroupInput = { name: string; attachments: unknown[] };

type Attached = NonNullable<ManifestInput["attachments"]>[number];

/** One that is there, one that has to be pulled, one of which its image alone tells what it keeps, and what goes wrong. */
export const ATTACHED: Attached[] = [
  "postgres:15",
  "redis:7",
  "sim/store:1",
  { image: "postgres:15", alias: "db", env: { SIM: "slow" } },
  { image: "redis:7", alias: "cache", env: { SIM: "crashes" } },
  { image: "sim/broken:1", alias: "lost" },
];
export const SHARED: Attached[][] = [
  [],
  ["postgres:15"],
  ["redis:7", { image: "postgres:15", env: { SIM: "slow" } }],
];

export const GROUP = "backend";

export function withSharing(program: Program, random: Random): Program {
  const kind = random.next();
  if (kind < 0.5) return program;
  const attached = (): Attached[] => {
    const one = random.pick(ATTACHED);
    if (typeof one === "object" || !random.chance(0.3)) return [one];
    return [{ image: one, alias: "data", publish: one !== "sim/store:1" }];
  };
  const joins = kind >= 0.7;
  const manifests = program.manifests.map((manifest) => ({
    ...manifest,
    ...(random.chance(joins ? 0.3 : 0.8) && { attachments: attached() }),
    ...(joins && random.chance(0.8) && { group: GROUP }),
  }));
  return { ...program, manifests, groups: joins ? [{ name: GROUP, attachments: random.pick(SHARED) }] : [] };
}
