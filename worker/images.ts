import type { Engine } from "./engine/engine.ts";

/** Knows which images this host has and which volumes they declare, and asks Docker only once for each. */
export class Images {
  private readonly present = new Set<string>();
  private readonly volumes = new Map<string, string[]>();
  private readonly engine: Pick<Engine, "hasImage" | "imageVolumes">;

  constructor(engine: Pick<Engine, "hasImage" | "imageVolumes">) {
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

  /** The volumes that images declare, of those that this host has. */
  async volumesOf(images: Iterable<string>): Promise<Record<string, string[]>> {
    const wanted = [...new Set(images)];
    for (const image of wanted) {
      if (this.volumes.has(image)) continue;
      const declared = await this.engine.imageVolumes(image);
      if (declared) this.volumes.set(image, declared);
    }
    return Object.fromEntries(
      wanted.flatMap((image) => {
        const declared = this.volumes.get(image);
        return declared ? [[image, declared]] : [];
      }),
    );
  }

  /** As far as they were looked at. */
  knownVolumes(): Record<string, string[]> {
    return Object.fromEntries(this.volumes);
  }

  /** Somebody removed or replaced images: whatever was known is to be asked again. */
  forget(): void {
    this.present.clear();
    this.volumes.clear();
  }
}
