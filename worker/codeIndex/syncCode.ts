import type { Source, SourceFile } from "./readSource.ts";

/** The index of projects' source in the control plane, as the worker sees it. */
export interface CodeStore {
  /** Path → hash of each file that is indexed. */
  codeFiles(projectId: string): Promise<Map<string, string>>;
  indexCode(projectId: string, file: SourceFile): Promise<void>;
  forgetCode(projectId: string, paths: string[]): Promise<void>;
}

/** How many files are forgotten in one call. */
const FORGET_AT_ONCE = 20;

/**
 * Brings the index to what the source is now: sends what is new or changed, forgets what is gone.
 * @returns how many files were sent and forgotten
 */
export async function syncCode(
  store: CodeStore,
  projectId: string,
  { files, complete }: Source,
): Promise<{ sent: number; forgotten: number }> {
  const indexed = await store.codeFiles(projectId);
  const changed = files.filter(({ path, hash }) => indexed.get(path) !== hash);
  const there = new Set(files.map(({ path }) => path));
  // Of a source that was read in part nobody knows what is gone.
  const gone = complete ? [...indexed.keys()].filter((path) => !there.has(path)) : [];
  // First what is gone: there is a bound on how many files an index holds.
  for (let start = 0; start < gone.length; start += FORGET_AT_ONCE) {
    await store.forgetCode(projectId, gone.slice(start, start + FORGET_AT_ONCE));
  }
  for (const file of changed) await store.indexCode(projectId, file);
  return { sent: changed.length, forgotten: gone.length };
}
