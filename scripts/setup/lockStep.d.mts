interface LockFile {
  packages?: Record<
    string,
    { version?: string; integrity?: string; optional?: boolean; devOptional?: boolean; peer?: boolean }
  >;
}

/**
 * Whether installed packages are those of a lock file: all that are not optional, in their versions, and no others.
 * @param lock package-lock.json, parsed
 * @param installed node_modules/.package-lock.json, parsed: what npm says it installed
 */
export function isInStep(lock: LockFile, installed: LockFile): boolean;
