import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { api } from "../convex/_generated/api.js";
import { chunkText } from "../core/codeChunks.ts";
import { EMBEDDING_DIMENSIONS } from "../core/embeddings.ts";
import { ADMIN, agentOf, WORKER } from "./controlPlane/driver.ts";
import { embeddedFactory, type EmbeddedDriver, type EmbeddedFactory } from "./controlPlane/embeddedDriver.ts";
import { expectRefused } from "./controlPlane/expectRefused.ts";
import { createProject, move, registerHost } from "./controlPlane/world.ts";

/** Search by meaning, with an OpenAI-compatible endpoint of the test's own. */

let factory: EmbeddedFactory;
let endpoint: Server;
let driver: EmbeddedDriver;
const asked: { authorization: string | undefined; model: string; input: string[] }[] = [];

/** What words mean here: some stand for the same thing, each thing is one direction. */
const MEANINGS = [
  ["cart", "basket", "checkout"],
  ["login", "password", "sign"],
  ["color", "style", "css"],
];

function embeddingOf(text: string): number[] {
  const vector = new Array<number>(EMBEDDING_DIMENSIONS).fill(0.001);
  for (const [direction, words] of MEANINGS.entries()) {
    for (const word of words) if (text.toLowerCase().includes(word)) vector[direction]! += 1;
  }
  return vector;
}

beforeAll(async () => {
  endpoint = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { model, input } = JSON.parse(Buffer.concat(parts).toString()) as {
        model: string;
        input: string[];
      };
      asked.push({ authorization: request.headers.authorization, model, input });
      const data = input.map((text, index) => ({ index, embedding: embeddingOf(text) }));
      response.setHeader("content-type", "application/json").end(JSON.stringify({ data: data.reverse() }));
    });
  });
  await new Promise<void>((resolve) => endpoint.listen(0, "127.0.0.1", resolve));
  const { port } = endpoint.address() as AddressInfo;
  factory = await embeddedFactory();
  driver = await factory.openOwn({
    SLIPWAY_EMBEDDINGS_URL: `http://127.0.0.1:${port}/v1/`,
    SLIPWAY_EMBEDDINGS_KEY: "k3y",
    SLIPWAY_EMBEDDINGS_MODEL: "small",
  });
}, 120_000);

afterAll(async () => {
  await driver?.close();
  await factory?.close();
  await new Promise((resolve) => endpoint.close(resolve));
});

test("finds what means the same, in the project's own namespace, and nothing of what was replaced", async () => {
  const { hostId, epoch } = await registerHost(driver);
  const ids: Record<string, string> = {};
  for (const name of ["shop", "blog"]) {
    ids[name] = (await createProject(driver, name)).projectId;
    await move(driver, name, "planning", "development");
  }
  const index = async (project: string, path: string, text: string) => {
    const file = { hostId, epoch, projectId: ids[project]!, path, hash: text, chunks: chunkText(text) };
    await driver.as(WORKER).mutation(api.worker.indexCode, file);
  };
  await index("shop", "basket.ts", "export function basketTotal() {}");
  await index("shop", "auth.ts", "export function checkPassword() {}");
  await index("blog", "other-cart.ts", "export function cart() {}");
  const search = async (query: string) =>
    (await driver.as(ADMIN).action(api.search.byMeaning, { project: "shop", query, limit: 1 })).map(
      (hit) => hit.path,
    );
  // Chunks are embedded by scheduled functions, soon after the file was indexed.
  await vi.waitFor(async () => expect(await search("what is in the cart?")).toEqual(["basket.ts"]), 20_000);
  await vi.waitFor(async () => expect(await search("sign in")).toEqual(["auth.ts"]), 20_000);
  expect(asked[0]).toMatchObject({ authorization: "Bearer k3y", model: "small" });

  await index("shop", "basket.ts", "export const css = 1;");
  await vi.waitFor(async () => expect(await search("a color")).toEqual(["basket.ts"]), 20_000);
  const stranger = driver.as(agentOf(ids.blog!, "read"));
  await expectRefused(stranger.action(api.search.byMeaning, { project: "shop", query: "cart" }), "not_found");
});
