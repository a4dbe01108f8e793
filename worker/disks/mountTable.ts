/** The kernel's escapes in /proc/self/mountinfo: space, tab, newline and backslash as octal. */
function unescape(path: string): string {
  return path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
}

/** Where something is mounted, from the text of /proc/self/mountinfo; twice where it is mounted twice. */
export function mountPoints(mountinfo: string): string[] {
  return mountinfo
    .split("\n")
    .map((line) => line.split(" ")[4])
    .filter((path) => path !== undefined)
    .map(unescape);
}

/**
 * Whether what is mounted at `path` or below is unmounted in copies of this mount table, too, once it is unmounted here.
 * @param mountinfo the text of /proc/self/mountinfo
 */
export function isShared(mountinfo: string, path: string): boolean {
  let deepest = { at: "", shared: false };
  for (const line of mountinfo.split("\n")) {
    const [, , , , escaped = "", , ...rest] = line.split(" ");
    const at = unescape(escaped);
    const holds = at === "/" || path === at || path.startsWith(`${at}/`);
    // Of two at the same place the later one lies on top.
    if (!holds || at === "" || at.length < deepest.at.length) continue;
    const optional = rest.slice(0, rest.indexOf("-"));
    deepest = { at, shared: optional.some((field) => field.startsWith("shared:")) };
  }
  return deepest.shared;
}
