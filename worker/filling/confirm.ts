import { LABELS } from "../../core/labels.ts";
import type { Engine, EngineVolume } from "../engine/engine.ts";
import { EngineError } from "../engine/engineError.ts";
import { fillersOf, fillingOf, isFiller, isMadeByMount, markName } from "./marks.ts";

/** A volume as a plan takes it to be. */
export type ExpectedVolume = { volume: string; labels: Record<string, string>; filling: string | null };

type Eyes = Pick<Engine, "findVolume" | "listContainers">;

/**
 * A fresh look before the first byte is put into a volume. `filler` is there already and mounts the volume and its mark,
 * so what is seen now stays: as long as the mark is there nobody uses the volume, and it cannot go while `filler` is.
 * @throws EngineError `in_use` where the volume is another one, counts already, or somebody else fills it or uses it
 */
export async function confirmUnfilled(
  engine: Eyes,
  { volume, labels, filling }: ExpectedVolume,
  filler: string,
): Promise<void> {
  const [found, mark, containers] = await Promise.all([
    engine.findVolume(volume),
    engine.findVolume(markName(volume, filling)),
    engine.listContainers({
      instanceId: labels[LABELS.instance] ?? "",
      ...(labels[LABELS.namespace] !== undefined && { namespace: labels[LABELS.namespace] }),
    }),
  ]);
  requireSame(volume, filling, found);
  if (!mark || isMadeByMount(mark)) throw refusal(`${volume} counts already, and is the project's own`);
  const other = fillersOf(volume, containers).find(({ name }) => name !== filler);
  if (other) throw refusal(`${volume} is being filled by ${other.name}`);
  const user = containers.find(
    (container) =>
      !isFiller(container) && container.state !== "created" && container.volumes?.includes(volume),
  );
  if (user) throw refusal(`${user.name} uses ${volume} already`);
}

/**
 * A fresh look before a new container is first started: it mounts `volume`, which cannot go any more, and which is to be
 * the one that was planned for. Docker itself makes one, empty, for a container whose volume went meanwhile.
 * @throws EngineError `in_use` where it is another one, or does not count
 */
export async function confirmFilled(engine: Eyes, { volume, filling }: ExpectedVolume): Promise<void> {
  const [found, mark] = await Promise.all([
    engine.findVolume(volume),
    engine.findVolume(markName(volume, filling)),
  ]);
  requireSame(volume, filling, found);
  if (mark && !isMadeByMount(mark)) throw refusal(`${volume} is not filled yet`);
}

function requireSame(volume: string, filling: string | null, found: EngineVolume | null): void {
  if (found && fillingOf(found) === filling) return;
  throw refusal(`${volume} is not the one that it was a moment ago`);
}

function refusal(why: string): EngineError {
  return new EngineError("in_use", `${why}.`);
}
