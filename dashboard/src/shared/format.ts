/** Numbers as people read them. */

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `1.5 GiB`. */
export function bytes(count: number): string {
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${digits(value)} ${UNITS[unit]}`;
}

/** `12 KiB/s`. */
export function bytesPerSecond(count: number): string {
  return `${bytes(count)}/s`;
}

/** `0.25 CPU`. */
export function cpus(cores: number): string {
  return `${digits(cores)} CPU`;
}

/** `950 ms`, `12 s`, `3 min 5 s`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return ms < 10_000 ? `${digits(ms / 1000)} s` : `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

/** Two digits that say something, of small numbers too: what containers use is often a few thousandths of a CPU. */
function digits(value: number): string {
  if (value >= 10) return value.toFixed(0);
  const decimals = value >= 1 || value === 0 ? 2 : Math.min(5, 1 - Math.floor(Math.log10(value)));
  return String(Number(value.toFixed(decimals)));
}
