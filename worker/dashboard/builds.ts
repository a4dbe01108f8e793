import { buildMark, readBuild, type Build, type BuiltFile } from "./build.ts";
import type { Log } from "../log.ts";

/**
 * The build in a folder, as it is now. A build that takes its place is taken over with the first page that is asked for
 * after it, and the one before it still gives its files to pages that were opened with it.
 */
export class Builds {
  private mark: string | null = null;
  private present: Build | null = null;
  private before: Build | null = null;
  private loading: Promise<void> | null = null;

  constructor(
    private readonly folder: string,
    private readonly log: Log,
  ) {}

  /** The page that every address of the dashboard gets; null where nothing was ever built. */
  async page(): Promise<BuiltFile | null> {
    await this.refresh();
    return this.present?.get("/index.html") ?? null;
  }

  async file(path: string): Promise<BuiltFile | null> {
    if (this.present === null) await this.refresh();
    return this.present?.get(path) ?? this.before?.get(path) ?? null;
  }

  private async refresh(): Promise<void> {
    const mark = await buildMark(this.folder);
    if (mark === null || mark === this.mark) return;
    this.loading ??= this.load(mark).finally(() => (this.loading = null));
    await this.loading;
  }

  private async load(mark: string): Promise<void> {
    try {
      const build = await readBuild(this.folder);
      // Half of one build and half of another may have been read, where they changed places meanwhile.
      if ((await buildMark(this.folder)) !== mark) return;
      [this.before, this.present, this.mark] = [this.present, build, mark];
      this.log("dashboard-loaded", { files: build.size });
    } catch (error) {
      this.log("dashboard-not-loaded", { error });
    }
  }
}
