import type { OutgoingHttpHeaders } from "node:http";

/** A name or an IPv4 address, with or without a port: what a content policy can name. */
const NAMEABLE_HOST = /^[a-z0-9.-]+(?::\d{1,5})?$/i;

/** What answers have that programs read: whoever opens one as a page gets none, whatever is in it. */
export const NO_PAGE = {
  "content-security-policy": "default-src 'none'; sandbox; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
} as const;

export type PageOrigin = {
  /** The Host header that the page was asked for with. */
  host: string;
  isHttps: boolean;
  /** Where the page's Convex is, when it is not behind this very server. */
  convexUrl: string | null;
};

/**
 * What every page and file of the dashboard is served with. Scripts come from `/assets/` alone: `/projects/` is on the
 * same host, and what is below it is written by anybody.
 */
export function securityHeaders(origin: PageOrigin): OutgoingHttpHeaders {
  return {
    "content-security-policy": contentPolicy(origin),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    // Browsers ignore it, and complain, where the page came over plain http from another machine.
    ...(isTrustworthy(origin) && { "cross-origin-opener-policy": "same-origin" }),
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  };
}

function contentPolicy({ host, convexUrl }: PageOrigin): string {
  const named = NAMEABLE_HOST.test(host) ? host : null;
  const scripts = named === null ? "'self'" : `${named}/assets/`;
  // Not every browser takes 'self' to mean WebSockets too.
  const sockets = named === null ? [] : [`ws://${named}`, `wss://${named}`];
  return [
    "default-src 'self'",
    `script-src ${scripts}`,
    `worker-src ${scripts}`,
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    `connect-src ${["'self'", ...sockets, ...convexSources(convexUrl)].join(" ")}`,
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-src 'none'",
    "frame-ancestors 'none'",
  ].join("; ");
}

function convexSources(convexUrl: string | null): string[] {
  if (convexUrl === null) return [];
  const { origin, host, protocol } = new URL(convexUrl);
  return [origin, `${protocol === "https:" ? "wss" : "ws"}://${host}`];
}

function isTrustworthy({ host, isHttps }: PageOrigin): boolean {
  return isHttps || /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?$/i.test(host);
}
