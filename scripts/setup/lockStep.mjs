/**
 * Whether installed packages are those of a lock file.
 * @param lock content of package-lock.json, parsed
 * @param installed content of node_modules/.package-lock.json, parsed: what npm says it installed
 */
export function isInStep(lock, installed) {
  const wanted = new Map(Object.entries(lock.packages ?? {}).filter(([path]) => path !== ""));
  const present = new Map(Object.entries(installed.packages ?? {}));
  for (const [path, entry] of wanted) {
    const found = present.get(path);
    if (found === undefined) {
      // npm leaves out what another platform needs.
      if (entry.optional || entry.devOptional || entry.peer) continue;
      return false;
    }
    if (found.version !== entry.version || found.integrity !== entry.integrity) return false;
  }
  return [...present.keys()].every((path) => wanted.has(path));
}
