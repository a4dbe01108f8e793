/**
 * Asks `probe` again and again until it answers something else than undefined.
 * @throws what `onExpiry` makes, once `timeoutMs` have passed
 */
export async function waitFor<T>(
  timeoutMs: number,
  intervalMs: number,
  probe: () => Promise<T | undefined>,
  onExpiry: () => Promise<Error>,
): Promise<T> {
  const end = performance.now() + timeoutMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() >= end) throw await onExpiry();
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
}
