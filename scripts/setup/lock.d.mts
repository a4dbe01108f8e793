export interface LockOptions {
  /** Called once, when somebody else holds the lock. */
  onWait?: () => void;
  /** How long to wait for it, in milliseconds (default 30 minutes). */
  deadlineMs?: number;
}

/**
 * Runs `work` while no other process of this machine runs work under the same name.
 * @throws Error when the lock stays taken until the deadline; whatever `work` throws.
 */
export function withLock<T>(name: string, work: () => Promise<T>, options?: LockOptions): Promise<T>;
