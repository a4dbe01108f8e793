/**
 * Filesystems of a hard size, one for each volume that has one. Docker binds a volume to the directory that `make`
 * returns; the rest of the machine's disk cannot be reached or filled through it.
 */
export interface Disks {
  /**
   * Makes the volume's filesystem anew, empty, and lets it be seen; what was left of an earlier one goes.
   * @returns the directory that the volume is bound to, owned by projects' user
   */
  make(volume: string, sizeBytes: number): Promise<string>;
  /** Makes it larger. Nothing may use it meanwhile; another call finishes what was interrupted. */
  grow(volume: string, sizeBytes: number): Promise<"grown" | "unchanged">;
  /** Removes it with everything in it; there being none is success. */
  remove(volume: string): Promise<void>;
  /** Bytes of the filesystem behind a volume that is bound to `directory`; null where that is none of these. */
  sizeOf(volume: string, directory: string): Promise<number | null>;
}
