import type { ManifestInput } from "../../core/manifest.ts";
import type { Action, Program } from "./program.ts";
import type { Random } from "./random.ts";
import { ATTACHED, GROUP, SHARED } from "./sharing.ts";

/**
 * Gives a program people who change manifests while everything runs: what a project attaches, shares, runs and is told.
 * Decided apart from the rest, so that the other seeds' programs are what they always were.
 */
export function withEdits(program: Program, random: Random): Program {
  if (random.next() < 0.6) return program;
  const edits = Array.from({ length: random.between(1, 5) }, (): Action => ({
    at: random.between(3_000, program.calmAt - 5_000),
    pick: random.next(),
    more: random.next(),
    do: "edit",
  }));
  // Projects that are in no group yet may join one later.
  const isOpened = program.groups.length === 0 && random.chance(0.4);
  return {
    ...program,
    groups: isOpened ? [{ name: GROUP, attachments: random.pick(SHARED) }] : program.groups,
    actions: [...program.actions, ...edits].sort((one, other) => one.at - other.at),
  };
}

type Edit = (manifest: ManifestInput, more: number) => ManifestInput;

const EDITS: Edit[] = [
  ({ group, ...rest }) => ({ ...rest, ...(group ? {} : { group: GROUP }) }),
  ({ group, ...rest }) => ({ ...rest, ...(group ? {} : { group: GROUP }) }),
  ({ attachments = [], ...rest }, more) => ({
    ...rest,
    ...(attachments.length === 0 && { attachments: [ATTACHED[Math.floor(more * ATTACHED.length)]!] }),
  }),
  (manifest, more) => ({ ...manifest, env: { ...manifest.env, EDITED: String(Math.floor(more * 1e6)) } }),
  ({ egress, ...rest }) => ({ ...rest, ...(egress === "none" ? {} : { egress: "none" }) }),
  ({ services, stack, ...rest }) => {
    const all = services ?? { app: { stack: stack ?? "node", route: "/" } };
    const { extra, ...others } = all;
    return { ...rest, services: extra ? others : { ...all, extra: { stack: "static", route: "/extra" } } };
  },
];

/** A manifest as somebody changes it: joins or leaves the group, attaches or lets go, adds or drops a service. */
export function edited(manifest: ManifestInput, more: number): ManifestInput {
  const place = more * EDITS.length;
  return EDITS[Math.floor(place)]!(manifest, place % 1);
}
