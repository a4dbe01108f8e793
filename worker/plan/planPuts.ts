import * as z from "zod";
import { LABELS } from "../../core/labels.ts";
import type { RenderedVolume } from "../../core/render/rendered.ts";
import type { EngineVolume } from "../engine/engine.ts";
import { fillerContainer } from "../filling/fillerContainer.ts";
import type { Starter } from "../starters.ts";
import { sourceName } from "./operation.ts";
import type { PlanBuilder } from "./planBuilder.ts";
import type { FillInput } from "./planFill.ts";

/**
 * What is put into a volume as its first content: a copy of another volume where it begins as one, or the project's own
 * source, or the starters of its services.
 * @returns the operations that put it, and whether there is a container that the copy comes from
 */
export function planPuts(
  plan: PlanBuilder,
  { kind, volume, user, filled, imagePulled }: FillInput,
  {
    filler,
    reader,
    labels,
    earlier,
    after,
  }: {
    filler: string;
    reader: string;
    labels: Record<string, string>;
    /** What an attempt that was interrupted may have put there by half. */
    earlier: readonly Starter[];
    after: string[];
  },
): { done: string[]; readerMade: boolean } {
  const source = volume.fill.find((fill) => fill.from === "volume" && filled.has(fill.name));
  if (source?.from === "volume") {
    const { name: from } = source;
    const cause = `${volume.name} begins as ${from}`;
    const container = fillerContainer(reader, from, null, user, labels);
    const made = plan.add(kind, { do: "create container", target: reader, container }, cause, [imagePulled]);
    const expected = { volume: from, labels, filling: filled.get(from) ?? null };
    const whole = plan.add(kind, { do: "confirm filled", target: reader, expected }, cause, [made]);
    const done = plan.add(kind, { do: "copy workspace", target: filler, reader }, cause, [...after, whole]);
    return { done: [done], readerMade: true };
  }
  const given = volume.fill.find((fill) => fill.from === "archive" || fill.from === "git");
  if (given) {
    const cause = `${volume.name} begins as ${sourceName(given)}`;
    const starters = startersOf(volume);
    const done = plan.add(kind, { do: "put source", target: filler, source: given, starters }, cause, after);
    return { done: [done], readerMade: false };
  }
  const own = startersOf(volume);
  const folders = new Set(own.map(({ folder }) => folder));
  const starters = [...own, ...earlier.filter(({ folder }) => !folders.has(folder))];
  if (starters.length > 0) {
    const stacks = [...new Set(starters.map(({ stack }) => stack))].join(" and ");
    const cause = `${volume.name} begins as the starter of ${stacks}`;
    const done = plan.add(kind, { do: "put starters", target: filler, starters }, cause, after);
    return { done: [done], readerMade: false };
  }
  const done = volume.fill.flatMap((fill) => {
    if (fill.from !== "empty") return [];
    const cause = `${volume.name} begins empty, and is ${user.service}'s`;
    return [plan.add(kind, { do: "own volume", target: filler, user: fill.user }, cause, after)];
  });
  return { done, readerMade: false };
}

/** The manifest may change before a workspace has its first content: what was begun for the one before is put, too. */
export function startersBegun({ labels }: Pick<EngineVolume, "labels">): Starter[] {
  try {
    return z.array(vStarter).parse(JSON.parse(labels[LABELS.begins] ?? "[]"));
  } catch {
    return [];
  }
}

/** What tells {@link startersBegun} of it. */
export function beginsLabel(volume: RenderedVolume): Record<string, string> {
  const starters = startersOf(volume);
  return starters.length === 0 ? {} : { [LABELS.begins]: JSON.stringify(starters) };
}

const vStarter = z.object({ stack: z.string(), folder: z.string() });

function startersOf(volume: RenderedVolume): Starter[] {
  return volume.fill.flatMap((fill) =>
    fill.from === "starter" ? [{ stack: fill.stack, folder: fill.folder }] : [],
  );
}
