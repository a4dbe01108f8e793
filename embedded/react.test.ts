/** The backend as `convex/react` sees it: hooks in components that are really rendered, against a real server. */
import { Window } from "happy-dom";
import { Component, createElement, useLayoutEffect, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { ConvexHttpClient } from "convex/browser";
import {
  ConvexProvider,
  ConvexProviderWithAuth,
  ConvexReactClient,
  useConvexAuth,
  useMutation,
  usePaginatedQuery,
  useQuery,
} from "convex/react";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import WebSocket from "ws";
import { api } from "./fixtures/app/convex/_generated/api.js";
import type { RunningBackend } from "./server.ts";
import { startFixture, until } from "./testing/fixture.ts";
import { dataUri, makeKey, mint, type SigningKey } from "./testing/issuer.ts";

let running: RunningBackend;
let key: SigningKey;
let client: ConvexReactClient;
let root: Root;
const page = new Window();
/** Every different text that `Shown` has put on the page, in order. */
let seen: string[];

beforeAll(async () => {
  key = await makeKey("one", "ES256");
  running = await startFixture({ env: { JWKS: dataUri([key]) } });
  // React wants a document and its window; the client goes on with Node's own.
  Object.assign(globalThis, { document: page.document, window: page });
});

afterAll(async () => {
  Reflect.deleteProperty(globalThis, "document");
  Reflect.deleteProperty(globalThis, "window");
  await page.happyDOM.close();
  await running.close();
});

beforeEach(() => {
  seen = [];
  client = new ConvexReactClient(running.url, {
    logger: false,
    unsavedChangesWarning: false,
    webSocketConstructor: WebSocket as unknown as typeof globalThis.WebSocket,
  });
  // Errors that a boundary has caught are what a test looks for, not noise to print.
  root = createRoot(page.document.createElement("div") as unknown as Element, { onCaughtError: () => {} });
});

afterEach(async () => {
  root.unmount();
  await client.close();
});

function Shown({ text }: { text: string }): string {
  useLayoutEffect(() => {
    if (seen.at(-1) !== text) seen.push(text);
  });
  return text;
}

const shown = (text: string): ReactNode => createElement(Shown, { text });
const render = (children: ReactNode): void =>
  root.render(createElement(ConvexProvider, { client }, children));
const http = (): ConvexHttpClient => new ConvexHttpClient(running.url, { logger: false });
const send = (channel: string, body: string): Promise<string> =>
  http().mutation(api.messages.send, { channel, body });

async function shows(text: string): Promise<void> {
  await until(JSON.stringify(text), () => seen.at(-1) === text).catch((error: unknown) => {
    throw new Error(`${(error as Error).message}, but the page has shown ${JSON.stringify(seen)}`);
  });
}

function Messages({ channel }: { channel: string | null }): ReactNode {
  const messages = useQuery(api.messages.list, channel === null ? "skip" : { channel });
  return shown(messages === undefined ? "loading" : `[${messages.map(({ body }) => body).join(" ")}]`);
}

describe("useQuery", () => {
  test("loads, then shows each change", async () => {
    render(createElement(Messages, { channel: "live" }));
    await shows("[]");
    await send("live", "one");
    await shows("[one]");
    await send("elsewhere", "not here");
    await send("live", "two");
    await shows("[one two]");
    expect(seen).toEqual(["loading", "[]", "[one]", "[one two]"]);
  });

  test("changes its arguments, and waits while they are skipped", async () => {
    await send("first", "a");
    await send("second", "b");
    render(createElement(Messages, { channel: null }));
    await shows("loading");
    render(createElement(Messages, { channel: "first" }));
    await shows("[a]");
    render(createElement(Messages, { channel: "second" }));
    await shows("[b]");
  });

  test("two components that ask the same agree", async () => {
    const both = [1, 2].map((at) => createElement(Messages, { key: at, channel: "shared" }));
    render(both);
    await shows("[]");
    const before = running.backend.live.runs;
    await send("shared", "x");
    await shows("[x]");
    expect(running.backend.live.runs - before).toBe(1);
  });

  test("throws a query's error to the error boundary", async () => {
    class Boundary extends Component<{ children: ReactNode }, { message: string | null }> {
      override state: { message: string | null } = { message: null };
      static getDerivedStateFromError(error: Error): { message: string } {
        return { message: error.message };
      }
      override render(): ReactNode {
        return this.state.message === null ? this.props.children : shown(`caught: ${this.state.message}`);
      }
    }
    function Failing(): ReactNode {
      return shown(String(useQuery(api.messages.wrongReturn, {})));
    }
    render(createElement(Boundary, null, createElement(Failing)));
    await until("the boundary", () => seen.at(-1)?.startsWith("caught:"));
    expect(seen.at(-1)).toContain("ReturnsValidationError");
  });
});

describe("useMutation with an optimistic update", () => {
  type Send = (args: { channel: string; body: string }) => Promise<unknown>;
  type Fail = (args: { channel: string }) => Promise<unknown>;
  let sendNow: Send;
  let failNow: Fail;

  function Sender({ channel }: { channel: string }): ReactNode {
    sendNow = useMutation(api.messages.send).withOptimisticUpdate((store, args) => {
      const before = store.getQuery(api.messages.list, { channel }) ?? [];
      const guess = { _id: crypto.randomUUID() as never, _creationTime: Date.now(), likes: 0, ...args };
      store.setQuery(api.messages.list, { channel }, [...before, { ...guess, body: `${args.body}?` }]);
    });
    failNow = useMutation(api.messages.fail).withOptimisticUpdate((store) => {
      const before = store.getQuery(api.messages.list, { channel }) ?? [];
      const guess = { _id: "guess" as never, _creationTime: 0, likes: 0, channel, body: "doomed?" };
      store.setQuery(api.messages.list, { channel }, [...before, guess]);
    });
    return createElement(Messages, { channel });
  }

  test("shows the guess, then the truth, and nothing in between", async () => {
    render(createElement(Sender, { channel: "optimistic" }));
    await shows("[]");
    await sendNow({ channel: "optimistic", body: "one" });
    await shows("[one]");
    expect(seen).toEqual(["loading", "[]", "[one?]", "[one]"]);
  });

  test("keeps later guesses on top of what has arrived", async () => {
    render(createElement(Sender, { channel: "burst" }));
    await shows("[]");
    const bodies = Array.from({ length: 10 }, (_, i) => `m${i}`);
    await Promise.all(bodies.map((body) => sendNow({ channel: "burst", body })));
    await shows(`[${bodies.join(" ")}]`);
    for (const text of seen.slice(1)) {
      const order = text.slice(1, -1).replaceAll("?", "").split(" ").filter(Boolean);
      expect(order).toEqual(bodies.slice(0, order.length));
    }
  });

  test("takes the guess back when the mutation fails", async () => {
    await send("failing here", "real");
    render(createElement(Sender, { channel: "failing here" }));
    await shows("[real]");
    await expect(failNow({ channel: "failing here" })).rejects.toThrow("boom");
    await shows("[real]");
    expect(seen).toEqual(["loading", "[real]", "[real doomed?]", "[real]"]);
  });
});

describe("usePaginatedQuery", () => {
  let loadMore: (count: number) => void;
  let status: string;

  beforeEach(() => {
    status = "";
  });

  function Pages({ channel }: { channel: string }): ReactNode {
    const found = usePaginatedQuery(api.messages.page, { channel }, { initialNumItems: 3 });
    loadMore = found.loadMore;
    status = found.status;
    return shown(found.results.map(({ body }) => body).join(" "));
  }

  const bodies = (from: number, to: number): string =>
    Array.from({ length: from - to + 1 }, (_, i) => `p${from - i}`).join(" ");

  test("keeps its pages together while documents come and go", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 9; i++) ids.push(await send("paged", `p${i}`));
    render(createElement(Pages, { channel: "paged" }));
    await shows(bodies(8, 6));
    expect(status).toBe("CanLoadMore");

    await send("paged", "p9");
    await shows(bodies(9, 6));
    loadMore(3);
    await shows(bodies(9, 3));

    // At the border between the two pages, and inside the second.
    await http().mutation(api.messages.remove, { id: ids[6] as never });
    await shows(`${bodies(9, 7)} ${bodies(5, 3)}`);
    await http().mutation(api.messages.remove, { id: ids[5] as never });
    await shows(`${bodies(9, 7)} ${bodies(4, 3)}`);

    loadMore(10);
    await shows(`${bodies(9, 7)} ${bodies(4, 0)}`);
    await until("the end", () => status === "Exhausted");
    await send("paged", "p10");
    await shows(`${bodies(10, 7)} ${bodies(4, 0)}`);
    for (const text of seen) {
      const numbers = text
        .split(" ")
        .filter(Boolean)
        .map((body) => Number(body.slice(1)));
      expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => b - a));
    }
  });

  test("loses and doubles nothing when documents arrive while it loads", async () => {
    for (let i = 0; i < 20; i++) await send("busy", `p${i}`);
    render(createElement(Pages, { channel: "busy" }));
    await until("the first page", () => status === "CanLoadMore");
    let next = 20;
    while (status !== "Exhausted") {
      loadMore(4);
      await Promise.all([send("busy", `p${next++}`), until("the page", () => status !== "LoadingMore")]);
    }
    await shows(bodies(next - 1, 0));
  });

  test("starts empty", async () => {
    render(createElement(Pages, { channel: "nothing here" }));
    await until("the end", () => status === "Exhausted");
    await shows("");
    expect(seen).toEqual([""]);
  });
});

describe("ConvexProviderWithAuth", () => {
  let signedIn = true;
  let fetches = 0;

  // As a real provider: no token once signed out, also when it was asked for before.
  const fetchAccessToken = async (): Promise<string | null> => {
    fetches++;
    const issuer = "https://issuer.example.com";
    const token = await mint(key, { issuer, audience: "fixture", subject: "alice" });
    return signedIn ? token : null;
  };
  const useSession = (): {
    isLoading: boolean;
    isAuthenticated: boolean;
    fetchAccessToken: () => Promise<string | null>;
  } => ({ isLoading: false, isAuthenticated: signedIn, fetchAccessToken });

  function Who(): ReactNode {
    const { isLoading, isAuthenticated } = useConvexAuth();
    const who = useQuery(api.messages.whoAmI, {});
    return shown(isLoading || who === undefined ? "loading" : `${isAuthenticated ? "in" : "out"}: ${who}`);
  }

  test("shows who is signed in, and nobody after signing out", async () => {
    const tree = (): ReactNode =>
      createElement(ConvexProviderWithAuth, { client, useAuth: useSession }, createElement(Who));
    root.render(tree());
    await shows("in: alice");
    expect(fetches).toBeGreaterThan(0);
    signedIn = false;
    root.render(tree());
    await shows("out: null");
    expect(seen).not.toContain("in: null");
  });
});
