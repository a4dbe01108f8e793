/** The admin key: what it opens, and administrators who act as a user. */
import { ConvexClient, ConvexHttpClient } from "convex/browser";
import { makeFunctionReference, type UserIdentityAttributes } from "convex/server";
import { afterAll, beforeAll, expect, test } from "vitest";
import { api, internal } from "../fixtures/app/convex/_generated/api.js";
import type { RunningBackend } from "../server.ts";
import { startFixture, until } from "../testing/fixture.ts";

let running: RunningBackend;

beforeAll(async () => {
  running = await startFixture();
});

afterAll(() => running.close());

/** The clients have this method, but for Convex's own tools only. */
interface AdminAuth {
  setAdminAuth(key: string, identity?: UserIdentityAttributes): void;
}

function admin(identity?: UserIdentityAttributes, key = running.adminKey): ConvexHttpClient {
  const client = new ConvexHttpClient(running.url, { logger: false });
  (client as unknown as AdminAuth).setAdminAuth(key, identity);
  return client;
}

const bob = { issuer: "https://issuer.example.com", subject: "bob", tokenIdentifier: "t|bob" };

const post = async (authorization: string): Promise<[number, string]> => {
  const response = await fetch(`${running.url}/api/query`, {
    method: "POST",
    headers: { authorization, "content-type": "application/json" },
    body: JSON.stringify({ path: "messages:whoAmI", args: {} }),
  });
  return [response.status, await response.text()];
};

test("an administrator is nobody, or the user to act as, over HTTP", async () => {
  expect(await admin().query(api.messages.whoAmI, {})).toBeNull();
  expect(await admin(bob).query(api.messages.whoAmI, {})).toBe("bob");
  expect(await admin(bob).query(internal.messages.secret as never, {} as never)).toBe("only for insiders");
});

test("and over the WebSocket, where users do not see each other's results", async () => {
  const seen: (string | null)[][] = [[], []];
  const clients = ["bob", "carol"].map((subject, i) => {
    const client = new ConvexClient(running.url, { logger: false });
    const identity = { ...bob, subject, tokenIdentifier: `t|${subject}` };
    (client.client as unknown as AdminAuth).setAdminAuth(running.adminKey, identity);
    client.onUpdate(api.messages.whoAmI, {}, (who) => seen[i]!.push(who));
    return client;
  });
  await until("both answers", () => seen[0]!.length > 0 && seen[1]!.length > 0);
  expect(seen).toEqual([["bob"], ["carol"]]);
  for (const client of clients) await client.close();
});

test("a wrong key opens nothing, with or without a user to act as", async () => {
  await expect(admin(undefined, "fixture|wrong").query(api.messages.whoAmI, {})).rejects.toThrow(
    "BadAdminKey",
  );
  await expect(admin(bob, "fixture|wrong").query(api.messages.whoAmI, {})).rejects.toThrow("BadAdminKey");
  const prefix = running.adminKey.slice(0, -1);
  await expect(admin(bob, prefix).query(api.messages.whoAmI, {})).rejects.toThrow("BadAdminKey");
});

test("a malformed identity is refused", async () => {
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  for (const identity of ["!!!", encode("not json"), encode("5"), encode('{"subject":5}')]) {
    const [status, text] = await post(`Convex ${running.adminKey}:${identity}`);
    expect([status, text]).toEqual([401, expect.stringContaining("malformed")]);
  }
});

test("system functions and administration need the key", async () => {
  const path = "_system/cli/tables";
  const call = async (authorization?: string): Promise<number> => {
    const headers = new Headers(authorization === undefined ? {} : { authorization });
    const body = JSON.stringify({ path, args: {}, format: "json" });
    return (await fetch(`${running.url}/api/query`, { method: "POST", headers, body })).status;
  };
  expect(await call()).toBe(403);
  expect(await call(`Convex ${running.adminKey}`)).toBe(200);
  const client = new ConvexClient(running.url, { logger: false });
  const errors: string[] = [];
  client.onUpdate(
    makeFunctionReference<"query">(path),
    {},
    () => {},
    (error) => errors.push(error.message),
  );
  await until("the refusal", () => errors.length > 0);
  expect(errors[0]).toContain("System functions need the admin key");
  await client.close();
  for (const endpoint of [
    ...["get_config_hashes", "deploy2/start_push", "deploy2/finish_push", "run_test_function"],
    ...["update_environment_variables", "stream_function_logs", "v1/get_canonical_urls", "check_admin_key"],
  ]) {
    const response = await fetch(`${running.url}/api/${endpoint}`, { method: "POST", body: "{}" });
    expect([endpoint, response.status]).toEqual([endpoint, 401]);
  }
});
