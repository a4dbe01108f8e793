import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import * as z from "zod";
import { SlipwayError } from "../../../core/errors.ts";
import { askDoor, doorPath, refusalOf } from "./door.ts";

/** A real server, so that what is tested is what a browser's fetch meets. */
let server: Server;
let answer: (path: string, token: string) => { status: number; body: string } | null;
let origin: string;

beforeEach(async () => {
  server = createServer((request, response) => {
    const told = answer(request.url!, request.headers.authorization ?? "");
    if (told) response.writeHead(told.status).end(told.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const schema = z.object({ text: z.string() });
const ask = (more: { deadlineMs?: number } = {}) =>
  askDoor({ path: `${origin}${doorPath("projects", "a shop", "plan")}`, token: "a.b.c", schema, ...more });
const failure = async (asked: Promise<unknown>) => {
  const error = await asked.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(SlipwayError);
  return (error as SlipwayError).data;
};

test("an answer comes with the token sent along, and each part of the address encoded", async () => {
  const seen: string[] = [];
  answer = (path, token) => {
    seen.push(path, token);
    return { status: 200, body: '{"text":"nothing to do"}' };
  };
  expect(await ask()).toEqual({ text: "nothing to do" });
  expect(seen).toEqual(["/door/v1/projects/a%20shop/plan", "Bearer a.b.c"]);
});

test("the door's own refusal is what is thrown", async () => {
  answer = () => ({
    status: 403,
    body: '{"error":{"code":"forbidden","message":"No.","hint":"Ask an admin."}}',
  });
  expect(await failure(ask())).toEqual({ code: "forbidden", message: "No.", hint: "Ask an admin." });
});

test("an answer of another shape says that the page is old", async () => {
  answer = () => ({ status: 200, body: '{"lines":[]}' });
  expect(await failure(ask())).toMatchObject({ code: "setup", hint: expect.stringContaining("anew") });
});

test("no answer in time is a deadline, no listener says where to look", async () => {
  answer = () => null;
  expect(await failure(ask({ deadlineMs: 50 }))).toMatchObject({ code: "deadline" });
  const gone = origin.replace(/\d+$/, "1");
  expect(await failure(askDoor({ path: gone, token: null, schema }))).toMatchObject({
    code: "setup",
    hint: expect.stringContaining("slipway status"),
  });
});

test("who gives up gets no error of ours", async () => {
  answer = () => null;
  const controller = new AbortController();
  const asked = askDoor({ path: origin, token: null, schema, signal: controller.signal });
  controller.abort();
  await expect(asked).rejects.toMatchObject({ name: "AbortError" });
});

test("what answers in the door's place is named by its status", () => {
  expect(refusalOf(502, "<html>Bad gateway</html>").data.message).toContain("502");
});
