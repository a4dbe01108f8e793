/** What a container has used since it started. All but its memory only rise, until it starts anew. */
export type Counters = {
  /** When it was read, in ms, as `Clock.elapsed` has it. */
  at: number;
  cpuSeconds: number;
  /** What it holds now, without file cache that the kernel would give back at once. */
  memoryBytes: number;
  rxBytes: number;
  txBytes: number;
  readBytes: number;
  writeBytes: number;
};

/** What a container begins with. */
export function nothingUsed(at: number): Counters {
  return { at, cpuSeconds: 0, memoryBytes: 0, rxBytes: 0, txBytes: 0, readBytes: 0, writeBytes: 0 };
}
