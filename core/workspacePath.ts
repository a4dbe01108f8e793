import { SlipwayError } from "./errors.ts";
import { SOURCE_LIMITS } from "./source.ts";

/** Paths inside a workspace, as they are given by users and found in archives: always relative, with `/` between. */

/**
 * @returns the parts of `text` (`.` and empty ones left out), or null where it would leave the workspace
 */
export function workspaceParts(text: string): string[] | null {
  if (text.includes("\0") || text.length > SOURCE_LIMITS.pathLength * 4) return null;
  const parts = text.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || parts.some((part) => byteLength(part) > 255)) return null;
  if (byteLength(parts.join("/")) > SOURCE_LIMITS.pathLength) return null;
  return parts;
}

/**
 * A user's path (`src/a.js`, `/workspace/src/a.js`, `.`) as the workspace knows it: `src/a.js`; `.` is its top.
 * @throws SlipwayError `bad_request` for one that would leave the workspace
 */
export function workspacePath(text: string): string {
  const below =
    text === "/workspace" || text.startsWith("/workspace/") ? text.slice("/workspace".length) : text;
  const outside = below === text && text.startsWith("/");
  const parts = outside ? null : workspaceParts(below);
  if (parts) return parts.length === 0 ? "." : parts.join("/");
  throw new SlipwayError({
    code: "bad_request",
    message: `${JSON.stringify(text.slice(0, 200))} is no path inside the workspace.`,
    path: "path",
    hint: "Give one below /workspace, like src/server.js, without .. in it.",
  });
}

/**
 * Whether a symbolic link at `path` (relative to the workspace) that says `target` stays inside the workspace.
 * Decided by the text alone: a link that goes through another link is followed by nobody here.
 */
export function linkStaysInside(path: string, target: string): boolean {
  if (target === "" || target.startsWith("/") || target.includes("\0")) return false;
  const at = path.split("/").slice(0, -1);
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") at.push(part);
    else if (at.pop() === undefined) return false;
  }
  return true;
}

/** A service's folder in the workspace: `.` or names of its own below it. */
export const SERVICE_FOLDER =
  /^(?:\.|[A-Za-z0-9_][A-Za-z0-9._-]{0,63}(?:\/[A-Za-z0-9_][A-Za-z0-9._-]{0,63}){0,7})$/;

function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
