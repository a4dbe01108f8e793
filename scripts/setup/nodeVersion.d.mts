/** The oldest Node.js that will do: major, minor. */
export const NEEDED: readonly [number, number];

/** What to tell a person whose Node.js is too old; undefined where `version` (like `20.19.0`) will do. */
export function nodeVersionProblem(version: string, path: string): string | undefined;
