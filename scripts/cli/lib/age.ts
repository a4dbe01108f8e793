const UNITS: [name: string, ms: number][] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
  ["s", 1000],
];

/** `3d`, `5h`, `12m` or `40s`: how long ago `thenMs` was, in the largest unit that fits. */
export function age(thenMs: number, nowMs: number): string {
  const ms = Math.max(0, nowMs - thenMs);
  const [name, size] = UNITS.find(([, unit]) => ms >= unit) ?? ["s", 1000];
  return `${Math.floor(ms / size)}${name}`;
}
