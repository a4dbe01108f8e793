/** Where a project's files come from, as a manifest's `source` says it. */

export type Source =
  /** A folder on the machine of whoever creates the project: relative to the manifest, or absolute. */
  | { kind: "folder"; path: string }
  /** A repository that the worker clones. `ref`: a branch, a tag or a full commit id; null: its default branch. */
  | { kind: "git"; url: string; scheme: "https" | "http" | "ssh"; ref: string | null };

/** The secrets of a project that are for its worker's git alone, and so in no container's environment. */
export const GIT_SECRETS = ["GIT_TOKEN", "GIT_USERNAME", "GIT_SSH_KEY"] as const;

/** How much a source may hold: what is copied, packed, uploaded and unpacked is bounded by these alike. */
export const SOURCE_LIMITS = {
  files: 100_000,
  bytes: 1024 ** 3,
  /** Of the packed archive that is uploaded. */
  archiveBytes: 512 * 1024 ** 2,
  pathLength: 1024,
} as const;

/** The media type of an uploaded source: a gzipped tar. */
export const SOURCE_ARCHIVE_TYPE = "application/vnd.slipway.source+gzip";

const LONGEST = 1024;
/** What git takes as a branch, a tag or a commit, and can be nothing else: no option, no range, no pattern. */
const REF = /^(?!.*\.\.)[A-Za-z0-9_](?:[A-Za-z0-9._/+@-]{0,198}[A-Za-z0-9_+-])?$/;
const SCP_LIKE = /^([A-Za-z0-9_][A-Za-z0-9._-]*)@([A-Za-z0-9][A-Za-z0-9.-]*):(?!\/\/)([^\s\\]+)$/;
const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])$/;
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):(\/\/|:)/;

export type SourceRefusal = { refused: string };

/**
 * Reads a manifest's `source`.
 * @returns what it means, or what is expected instead, never repeating a credential that it holds
 */
export function parseSource(text: string): Source | SourceRefusal {
  if (text.length > LONGEST) return refused(`at most ${LONGEST} characters`);
  if (/[\u0000-\u001f\u007f]/.test(text)) return refused("a folder or a git URL without control characters");
  if (text !== text.trim() || text === "") return refused("a folder like ./app, or a git URL");
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined) return gitUrl(text, scheme);
  if (SCP_LIKE.test(text)) return scpLike(text);
  if (text.startsWith("-")) return refused("a folder that does not begin with -, like ./app");
  return { kind: "folder", path: text };
}

export function isRefusal(source: Source | SourceRefusal): source is SourceRefusal {
  return "refused" in source;
}

/** Whether `text`, a valid `source`, names a folder. */
export function isFolder(text: string): boolean {
  const source = parseSource(text);
  return !isRefusal(source) && source.kind === "folder";
}

function gitUrl(text: string, scheme: string): Source | SourceRefusal {
  if (scheme !== "https" && scheme !== "http" && scheme !== "ssh") {
    return refused("a folder, or a git URL of https, ssh or http: https://host/path, git@host:path");
  }
  const { address, ref } = withoutRef(text);
  if (ref !== null && !REF.test(ref)) return refused(REF_EXPECTED);
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    return refused("a git URL like https://host/path.git");
  }
  if (url.password !== "" || (scheme !== "ssh" && url.username !== "")) return refused(CREDENTIALS);
  if (!HOST.test(url.hostname) || url.hostname.startsWith("-"))
    return refused("a git URL with a host's name");
  if (url.username.startsWith("-")) return refused("a git URL with a user's name");
  if (url.search !== "") return refused("a git URL without a query");
  if (url.pathname.length < 2) return refused("a git URL with the repository's path, like https://host/path");
  return { kind: "git", url: address, scheme, ref };
}

function scpLike(text: string): Source | SourceRefusal {
  const { address, ref } = withoutRef(text);
  if (ref !== null && !REF.test(ref)) return refused(REF_EXPECTED);
  const path = SCP_LIKE.exec(address)?.[3];
  if (path === undefined || path.startsWith("-"))
    return refused("a git address like git@host:owner/name.git");
  return { kind: "git", url: address, scheme: "ssh", ref };
}

const CREDENTIALS =
  "a git URL without a user or a password in it: keep the token as the project's secret GIT_TOKEN (slipway secret set <project> GIT_TOKEN)";
const REF_EXPECTED = "a branch, a tag or a commit after the #";

function withoutRef(text: string): { address: string; ref: string | null } {
  const hash = text.indexOf("#");
  return hash < 0
    ? { address: text, ref: null }
    : { address: text.slice(0, hash), ref: text.slice(hash + 1) };
}

function refused(expected: string): SourceRefusal {
  return { refused: expected };
}
