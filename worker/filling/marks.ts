import { LABELS } from "../../core/labels.ts";
import { randomId } from "../../core/naming.ts";

/**
 * What says of a volume whether its content counts.
 *
 * A Docker label cannot be changed later, and a file inside belongs to the user, so a second, empty volume (the mark)
 * says "not yet". The volume's label `slipway.filling` names its own mark for good: a mark is made before its volume, by
 * one call that is never repeated, and once it is gone the content counts for ever. A mark of another name says nothing.
 * How it is kept from going too early is in `plan/planFill.ts`.
 */

/** The value of `LABELS.role` on what fills a volume and then goes: containers, and marks. */
export const FILL_ROLE = "fill";

/** The value of `LABELS.filling` on what Docker itself makes, where a container mounts a volume that is gone. */
export const MADE_BY_MOUNT = "none";

type Labelled = { labels: Record<string, string> };
type Named = Labelled & { name: string };

export function isFiller({ labels }: Labelled): boolean {
  return labels[LABELS.role] === FILL_ROLE;
}

/** Whether Docker made it again, empty, because a container mounts it. */
export function isMadeByMount({ labels }: Labelled): boolean {
  return labels[LABELS.filling] === MADE_BY_MOUNT;
}

/** The name of the mark of a volume that is filled as `filling`; null: it was made before fillings had names. */
export function markName(volume: string, filling: string | null): string {
  return filling === null ? `${volume}_unfilled` : `${volume}_unfilled_${filling}`;
}

export function fillingOf({ labels }: Labelled): string | null {
  return labels[LABELS.filling] ?? null;
}

/** The mark that keeps `volume` from counting; undefined: there is none. */
export function markOf<T extends Named>(volume: Named, volumes: readonly T[]): T | undefined {
  const name = markName(volume.name, fillingOf(volume));
  return volumes.find((other) => other.name === name && isFiller(other) && !isMadeByMount(other));
}

/** Everything that was ever made to say "not yet" of the volume of that name. */
export function marksOf<T extends Named>(volume: string, volumes: readonly T[]): T[] {
  return volumes.filter((other) => isFiller(other) && isOf(volume, "_unfilled", other.name));
}

/** The containers through which the volume of that name was to be filled. */
export function helpersOf<T extends Named>(volume: string, containers: readonly T[]): T[] {
  return containers.filter(
    (container) =>
      isFiller(container) &&
      (isOf(volume, "_filler", container.name) || isOf(volume, "_reader", container.name)),
  );
}

/** Those of them that write to it. */
export function fillersOf<T extends Named>(volume: string, containers: readonly T[]): T[] {
  return containers.filter((container) => isFiller(container) && isOf(volume, "_filler", container.name));
}

/** What tells an attempt from all others. @param random in [0, 1) */
export function attemptName(random: () => number): string {
  return randomId(8, random);
}

/** Each attempt has containers of its own, so that a call that comes late finds none of another's. */
export function fillerName(volume: string, attempt: string): string {
  return `${volume}_filler_${attempt}`;
}

/** Docker locks a container while files come out of it or go into it: a copy needs two. */
export function readerName(volume: string, attempt: string): string {
  return `${volume}_reader_${attempt}`;
}

/** Names of the volumes whose content counts. */
export function filledVolumes({ volumes }: { volumes: readonly Named[] }): Set<string> {
  return new Set(
    volumes
      .filter((volume) => !isFiller(volume) && !isMadeByMount(volume) && !markOf(volume, volumes))
      .map(({ name }) => name),
  );
}

function isOf(volume: string, suffix: string, name: string): boolean {
  return name === `${volume}${suffix}` || name.startsWith(`${volume}${suffix}_`);
}
