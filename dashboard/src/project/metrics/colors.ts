/**
 * Colours of lines: at least 3 : 1 against the page in both schemes (WCAG 1.4.11), and far apart for most kinds of colour
 * blindness. Dashes tell them apart as well.
 */
export const LINE_COLORS: Record<"light" | "dark", readonly string[]> = {
  light: ["#3b5bdb", "#c2410c", "#0f766e", "#a21caf", "#4d7c0f", "#be123c", "#0369a1", "#854d0e"],
  dark: ["#91a7ff", "#fb923c", "#2dd4bf", "#e879f9", "#a3e635", "#fb7185", "#38bdf8", "#facc15"],
};

const DASHES: readonly number[][] = [[], [8, 4], [2, 3], [10, 3, 2, 3]];

/** How the line of the `index`th series is drawn. */
export function lineLook(index: number, scheme: "light" | "dark"): { color: string; dashes: number[] } {
  const colors = LINE_COLORS[scheme];
  return { color: colors[index % colors.length]!, dashes: DASHES[index % DASHES.length]! };
}
