const MEMORY = /^(\d+(?:\.\d+)?)\s*(b|k|kb|kib|m|mb|mib|g|gb|gib)$/i;
const MEMORY_FACTORS: Record<string, number> = { b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 };

/** Bytes of `512m`, `2g`, `1.5GiB` (binary multiples, as Docker reads them), or null where `text` is no such size. */
export function parseMemory(text: string): number | null {
  const match = MEMORY.exec(text.trim());
  const factor = match && MEMORY_FACTORS[match[2]!.charAt(0).toLowerCase()];
  return match && factor ? Math.round(Number(match[1]) * factor) : null;
}

/** `2g`, `512m`, `1536k` or `77b`: the largest unit that divides `bytes`. */
export function formatMemory(bytes: number): string {
  for (const unit of ["g", "m", "k"]) {
    const factor = MEMORY_FACTORS[unit]!;
    if (bytes >= factor && bytes % factor === 0) return `${bytes / factor}${unit}`;
  }
  return `${bytes}b`;
}

/** `77 B`, `1.5 MiB`, `10 GiB`: rounded, for people. */
export function formatSize(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return `${Number((bytes / 1024 ** power).toFixed(1))} ${units[power]!}`;
}

const DURATION = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/;
const DURATION_FACTORS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds of `500ms`, `30s`, `5m`, `1h`, `7d`, or null where `text` is no such duration. */
export function parseDuration(text: string): number | null {
  const match = DURATION.exec(text.trim());
  return match ? Math.round(Number(match[1]) * DURATION_FACTORS[match[2]!]!) : null;
}
