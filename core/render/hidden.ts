import type { HiddenPart } from "../compose.ts";
import type { EnvironmentKind } from "../lifecycle.ts";

/**
 * Variables that are not to be seen. What is rendered holds references in their place, so that a rendered file, a plan
 * and a hash tell nothing of them; the worker puts the values in as it makes a container (worker/reveal.ts).
 */

/** Stands for a hidden value wherever people may look. */
export const HIDDEN = "•••";

export type Variable = { name: string; value: string; hidden: HiddenPart[] | null };

export function plainVariables(values: Record<string, string>): Variable[] {
  return Object.entries(values).map(([name, value]) => ({ name, value, hidden: null }));
}

/** The last of those that share a name counts. */
export function mergeVariables(...lists: Variable[][]): Variable[] {
  return [...new Map(lists.flat().map((variable) => [variable.name, variable])).values()];
}

/** The hidden parts of `variables` by name, as they stand in a rendered file. */
export function hiddenOf(variables: readonly Variable[]): Record<string, HiddenPart[]> {
  return Object.fromEntries(variables.flatMap(({ name, hidden }) => (hidden ? [[name, hidden]] : [])));
}

/** A project's secrets as variables. @param sealed by name, as the control plane keeps them */
export function secretVariables(sealed: Record<string, string>): Variable[] {
  return Object.entries(sealed).map(([name, text]) => ({
    name,
    value: HIDDEN,
    hidden: [{ secret: name, version: sealVersion(text) }],
  }));
}

/**
 * Tells one sealing of a secret from the next: the authentication tag at the end of the sealed text. It comes of a key
 * that was made for this sealing alone, so nothing can be guessed from it, however short the secret.
 */
export function sealVersion(sealed: string): string {
  return sealed.slice(sealed.lastIndexOf(".") + 1);
}

/** The name under which a credential of an attachment's is derived. */
export function credentialName(
  namespace: string,
  kind: EnvironmentKind,
  alias: string,
  what: string,
): string {
  return `${namespace}/${kind}/${alias}/${what}`;
}

const PLACEHOLDER = /\{([a-z][a-z0-9-]*)\}/g;

/**
 * Fills a definition's text: what `known` has is put in, every other `{name}` is a credential.
 * @param credential the reference for a credential's name
 */
export function fillText(
  name: string,
  text: string,
  known: Record<string, string>,
  credential: (what: string) => string,
): Variable {
  const parts: HiddenPart[] = [];
  let at = 0;
  const plain = (piece: string) => {
    const last = parts.at(-1);
    if (piece === "") return;
    if (typeof last === "string") parts[parts.length - 1] = last + piece;
    else parts.push(piece);
  };
  for (const match of text.matchAll(PLACEHOLDER)) {
    plain(text.slice(at, match.index));
    const word = match[1]!;
    if (Object.hasOwn(known, word)) plain(known[word]!);
    else parts.push({ credential: credential(word) });
    at = match.index + match[0].length;
  }
  plain(text.slice(at));
  const isPlain = parts.every((part) => typeof part === "string");
  return isPlain ? { name, value: parts.join(""), hidden: null } : { name, value: HIDDEN, hidden: parts };
}
