import type { LoopDisks } from "./loopDisks.ts";
import type { VolumeWatch } from "./volumeWatch.ts";

/**
 * What volumes hold, as far as it is known without measuring them: their disks say so, or the watch over those that have
 * none, as it found them last.
 * @returns bytes of those that are known, together; null where none is
 */
export function diskBytesOf(
  disks: Pick<LoopDisks, "usedBytes"> | null,
  watch: Pick<VolumeWatch, "bytesOf"> | null,
): (volumes: readonly string[]) => number | null {
  return (volumes) => {
    const known = volumes
      .map((volume) => disks?.usedBytes(volume) ?? watch?.bytesOf(volume) ?? null)
      .filter((bytes) => bytes !== null);
    return known.length === 0 ? null : known.reduce((sum, bytes) => sum + bytes, 0);
  };
}
