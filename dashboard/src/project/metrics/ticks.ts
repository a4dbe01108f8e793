const DECIMAL = [1, 2, 5, 10];
const BINARY = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];

/**
 * Where an axis has its lines: about `count` round numbers from `least` to `most`, round in powers of ten or, for bytes,
 * of two.
 */
export function ticks(least: number, most: number, count: number, isBinary: boolean): number[] {
  const rough = (most - least) / count;
  if (!(rough > 0)) return [least];
  const base = isBinary ? 1024 : 10;
  const unit = base ** Math.floor(Math.log(rough) / Math.log(base));
  const factor = (isBinary ? BINARY : DECIMAL).find((one) => one * unit >= rough * 0.999) ?? base;
  const step = factor * unit;
  const first = Math.ceil(least / step);
  const last = Math.floor(most / step + 1e-9);
  // Counted, not added up: sums of fractions go astray.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}
