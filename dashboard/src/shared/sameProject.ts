/**
 * For `memo`: whether nothing changed that is drawn. A query's result comes as a whole, all of its objects new; only the
 * rows whose content differs are to be drawn again.
 */
export function sameProject<Props extends { project: unknown }>(before: Props, after: Props): boolean {
  const { project: one, ...rest } = before;
  const { project: other, ...others } = after;
  return (
    Object.entries(rest).every(([name, value]) => (others as Record<string, unknown>)[name] === value) &&
    (one === other || JSON.stringify(one) === JSON.stringify(other))
  );
}
