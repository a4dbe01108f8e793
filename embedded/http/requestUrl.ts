/** The address that a request line names. */
import type { IncomingMessage } from "node:http";

const BASE = "http://localhost";

/** The request's URL on a host that means nothing; null when it is malformed. */
export function requestUrl({ url: target = "/" }: IncomingMessage): URL | null {
  // A path that begins with two slashes must not be taken for a host.
  const text = target.startsWith("/") ? BASE + target : target;
  return URL.canParse(text, BASE) ? new URL(text, BASE) : null;
}

/** A part of a path without its percent signs; null when they are malformed. */
export function decodePath(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
