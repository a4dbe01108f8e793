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

function digits(value: number): string {
  if (value === 0) return "0";
  return value < 10 ? value.toFixed(2).replace(/\.?0+$/, "") || "0" : value.toFixed(0);
}
