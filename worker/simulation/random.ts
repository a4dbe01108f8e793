/** Random numbers that one seed decides (sfc32), with the draws that a simulation makes of them. */
export class Random {
  private state: [number, number, number, number];

  /** @param name streams of one seed with different names are independent of each other */
  constructor(
    readonly seed: number,
    name: string,
  ) {
    let hash = 0x811c9dc5;
    for (const character of `${seed}/${name}`) {
      hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
    }
    this.state = [seed | 0, hash | 0, (hash ^ 0x9e3779b9) | 0, 1];
    for (let round = 0; round < 12; round += 1) this.next();
  }

  /** In [0, 1). */
  next = (): number => {
    const [a, b, c, count] = this.state;
    const mixed = (((a + b) | 0) + count) | 0;
    this.state = [b ^ (b >>> 9), (c + (c << 3)) | 0, (((c << 21) | (c >>> 11)) + mixed) | 0, (count + 1) | 0];
    return (mixed >>> 0) / 2 ** 32;
  };

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(values: readonly T[]): T {
    const value = values[Math.floor(this.next() * values.length)];
    if (values.length === 0) throw new Error("There is nothing to pick from.");
    return value as T;
  }

  /** @param weights by value; a value without weight is never picked */
  weighted<T extends string>(weights: Readonly<Partial<Record<T, number>>>): T {
    const entries = Object.entries(weights) as [T, number][];
    let left = this.next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [value, weight] of entries) {
      left -= weight;
      if (left < 0) return value;
    }
    return entries[entries.length - 1]![0];
  }
}
