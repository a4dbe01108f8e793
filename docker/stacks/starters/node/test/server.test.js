import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { after, before, test } from "node:test";

let server;
let base;

before(async () => {
  const env = { ...process.env, PORT: "0", SLIPWAY_PROJECT: "<shop>", SLIPWAY_ENVIRONMENT: "test" };
  server = spawn(process.execPath, ["server.js"], { env, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(server.stdout, "data");
  base = `http://127.0.0.1:${/listening on port (\d+)/.exec(line)[1]}`;
});

after(() => server.kill());

test("the page shows the project, escaped, with relative URLs only", async () => {
  const response = await fetch(base);
  const html = await response.text();
  assert.equal(response.status, 200);
  assert.match(html, /<h1>&#60;shop&#62;<\/h1>/);
  assert.doesNotMatch(html, /(href|src)="\//);
});

test("visits are counted", async () => {
  const visits = async () => (await (await fetch(`${base}/api/visits`)).json()).visits;
  const before = await visits();
  await fetch(base);
  assert.equal(await visits(), before + 1);
});

test("/health answers, unknown pages are 404, SIGTERM ends the server", async () => {
  assert.equal((await fetch(`${base}/health`)).status, 200);
  assert.equal((await fetch(`${base}/nowhere`)).status, 404);
  server.kill("SIGTERM");
  const [code] = await once(server, "exit");
  assert.equal(code, 0);
});
