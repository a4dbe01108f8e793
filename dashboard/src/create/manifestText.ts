import { load, YAMLException } from "js-yaml";
import { vManifest, type ManifestInput } from "../../../core/manifest.ts";

/** What is wrong with a manifest's text, and where: offsets into the text, so that an editor can underline it. */
export type Finding = { from: number; to: number; message: string; path: string };

export type Reading = { input: ManifestInput; findings: [] } | { input: null; findings: Finding[] };

/** Reads a manifest as a person types it: YAML, checked by the very schema that the control plane uses. */
export function readManifest(text: string): Reading {
  let value: unknown;
  try {
    value = load(text);
  } catch (error) {
    const at = error instanceof YAMLException ? (error.mark?.position ?? 0) : 0;
    const message = error instanceof YAMLException ? error.reason : String(error);
    return { input: null, findings: [{ ...lineAt(text, at), message: `No YAML: ${message}`, path: "" }] };
  }
  const parsed = vManifest.safeParse(value);
  if (parsed.success) return { input: value as ManifestInput, findings: [] };
  const findings = parsed.error.issues.flatMap((issue) => {
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => findingAt(text, [...issue.path, key], "an unknown key"));
    }
    return [findingAt(text, issue.path, issue.message.replace(/^Invalid input: expected /, ""))];
  });
  return { input: null, findings };
}

function findingAt(text: string, path: readonly PropertyKey[], expected: string): Finding {
  const dotted = path.map(String).join(".");
  const message =
    expected === "an unknown key"
      ? `${dotted}: ${expected}`
      : `${dotted || "The manifest"}: expected ${expected}`;
  return { ...placeOf(text, path), message, path: dotted };
}

/** The line of the last key of `path` that is there, found by its indentation: manifests are written in block style. */
function placeOf(text: string, path: readonly PropertyKey[]): { from: number; to: number } {
  let from = 0;
  let place = lineAt(text, 0);
  let indent = -1;
  for (const key of path) {
    if (typeof key === "number") continue;
    const pattern = new RegExp(`^([ \\t]*(?:- )?)["']?${escaped(String(key))}["']?[ \\t]*:`, "gm");
    pattern.lastIndex = from;
    let found: RegExpExecArray | null;
    while ((found = pattern.exec(text)) !== null && found[1]!.length <= indent);
    if (!found) break;
    indent = found[1]!.length;
    place = lineAt(text, found.index);
    from = pattern.lastIndex;
  }
  return place;
}

function lineAt(text: string, position: number): { from: number; to: number } {
  const at = Math.min(position, text.length);
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const end = text.indexOf("\n", at);
  const from = start + (/^\s*/.exec(text.slice(start))?.[0].length ?? 0);
  const to = end === -1 ? text.length : end;
  return { from: Math.min(from, to), to };
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
