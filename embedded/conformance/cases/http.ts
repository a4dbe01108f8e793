/** HTTP actions. */
import { api, internal } from "../app/convex/_generated/api.js";
import type { Area, Case } from "../case.ts";
import { ISSUER } from "../keys.ts";

const cases: Case[] = [
  {
    name: "gives body and headers to the action and back",
    run: async (t) => {
      const init = { method: "POST", body: "ä body", headers: { "content-type": "text/x-test" } };
      const response = await t.fetch("/echo", init);
      const { headers } = response;
      return [response.status, await response.text(), headers.get("content-type"), headers.get("x-custom")];
    },
    expected: [201, "ä body", "text/x-test", "yes"],
  },
  {
    name: "runs queries and mutations",
    run: async (t) => {
      const posted = await t.fetch("/labels", { method: "POST", body: "over http" });
      const response = await t.fetch("/labels");
      return [posted.status, await response.json(), await t.internal.query(internal.nested.labels, {})];
    },
    expected: [204, ["over http"], ["over http"]],
  },
  {
    name: "routes by prefix, and by exact path first",
    run: async (t) => [
      await (await t.fetch("/files/a/b.txt?q=x%20y")).json(),
      await (await t.fetch("/files/exact")).text(),
    ],
    expected: [{ pathname: "/files/a/b.txt", q: "x y" }, "the exact one"],
    convexTest: { lacks: "its URLs have no server of their own" },
  },
  {
    name: "answers 404 where nothing is routed",
    run: async (t) => [
      (await t.fetch("/nowhere")).status,
      (await t.fetch("/echo")).status,
      (await t.fetch("/labels", { method: "DELETE" })).status,
    ],
    expected: [404, 404, 404],
  },
  {
    name: "knows the caller by the token",
    run: async (t) => [
      await (await t.fetch("/whoami")).json(),
      await (await t.fetch("/whoami", {}, { subject: "carol", issuer: ISSUER })).json(),
    ],
    expected: [
      [null, null],
      [`${ISSUER}|carol`, `${ISSUER}|carol`],
    ],
    convexTest: { lacks: "its queries in HTTP actions do not know the caller" },
  },
  {
    name: "answers 500 when the action fails, and goes on",
    run: async (t) => {
      const failed = await t.fetch("/fails");
      return [
        failed.status,
        (await failed.text()).includes("the action failed"),
        (await t.fetch("/labels")).status,
      ];
    },
    expected: [500, true, 200],
    convexTest: { lacks: "it throws the action's error at the test" },
  },
  {
    name: "sends bytes as they are",
    run: async (t) => (await t.fetch("/bytes")).arrayBuffer(),
    expected: { bytes: [0, 1, 254, 255] },
  },
  {
    name: "streams a body",
    run: async (t) => (await t.fetch("/stream")).text(),
    expected: "one two three",
  },
  {
    name: "hides environment and functions from paths outside the router",
    run: async (t) => [(await t.fetch("/_system/")).status, await t.query(api.values.noArgs, {})],
    expected: [404, "none"],
  },
];

export const http: Area = { area: "http", cases };
