import type { Engine } from "./engine/engine.ts";

/** Knows which images this host has, and asks Docker only once for each. */
export class Images {
  private readonly present = new Set<string>();
  private readonly engine: Pick<Engine, "hasImage">;

  constructor(engine: Pick<Engine, "hasImage">) {
    this.engine = engine;
  }

  /** Those of `images` that this host does not have. */
  async missing(images: Iterable<string>): Promise<Set<string>> {
    const unknown = [...new Set(images)].filter((image) => !this.present.has(image));
    const answers = await Promise.all(unknown.map((image) => this.engine.hasImage(image)));
    const missing = new Set<string>();
    for (const [index, image] of unknown.entries()) {
      if (answers[index]) this.present.add(image);
      else missing.add(image);
    }
    return missing;
  }

  /** Somebody removed or replaced images: whatever was known is to be asked again. */
  forget(): void {
    this.present.clear();
  }
}
