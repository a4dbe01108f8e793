/**
 * The token that this browser signs in with. It is kept where only pages of this origin can read it, and no project's
 * page ever runs in this origin (docs/dashboard.md).
 */

const KEY = "slipway.token";

export function readToken(): string | null {
  return localStorage.getItem(KEY);
}

export function keepToken(token: string): void {
  localStorage.setItem(KEY, token);
}

export function forgetToken(): void {
  localStorage.removeItem(KEY);
}

/** Calls `changed` when another tab signs in or out. */
export function onTokenChange(changed: () => void): () => void {
  const listener = (event: StorageEvent) => {
    if (event.key === KEY || event.key === null) changed();
  };
  window.addEventListener("storage", listener);
  return () => window.removeEventListener("storage", listener);
}

const JWT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;

/** What looks like a token, without the spaces and line ends that come with pasting; null: it is none. */
export function tokenIn(text: string): string | null {
  const bare = text.replace(/\s+/g, "");
  return JWT.test(bare) ? bare : null;
}
