import ignore, { type Ignore } from "ignore";

/** The files that say what is left out, each for its own folder and those below; a later one goes before an earlier. */
export const RULE_FILES = [".gitignore", ".slipwayignore"];

/** Never part of a source, whatever the rules say. */
const NEVER = new Set([".git"]);

/** What the ignore files of a tree leave out, by git's rules: the deepest file that speaks of a path decides. */
export class IgnoreRules {
  private readonly readers: { folder: string; rules: Ignore }[] = [];

  /**
   * Takes in one ignore file. Files are to be added from the top down, and those of a folder in the order above.
   * @param folder where it lies, like `src/api`; `` is the top
   */
  add(folder: string, text: string): void {
    this.readers.push({ folder: folder === "" ? "" : `${folder}/`, rules: ignore().add(text) });
  }

  /** @param path relative to the top, with `/` between and none at its end. A folder's content is left out with it. */
  ignores(path: string, isFolder: boolean): boolean {
    if (NEVER.has(path.slice(path.lastIndexOf("/") + 1))) return true;
    let ignored = false;
    for (const { folder, rules } of this.readers) {
      if (!path.startsWith(folder)) continue;
      const said = rules.test(path.slice(folder.length) + (isFolder ? "/" : ""));
      if (said.ignored) ignored = true;
      else if (said.unignored) ignored = false;
    }
    return ignored;
  }
}
