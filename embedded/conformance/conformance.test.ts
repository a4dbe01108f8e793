/**
 * The same cases against the embedded backend, over HTTP and over the sync WebSocket with Convex's own clients, and
 * against `convex-test` for what it implements; the answers are compared.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { api } from "./app/convex/_generated/api.js";
import type { Case } from "./case.ts";
import { areas } from "./cases/all.ts";
import { convexTestDriver, type Modules } from "./convexTestDriver.ts";
import { httpDriver, webSocketDriver, type EmbeddedDriver } from "./embeddedDrivers.ts";
import { makeKeys } from "./keys.ts";
import { normalise } from "./normalise.ts";
import { ServerProcess } from "./serverProcess.ts";
import { longTest } from "../../tests/long.ts";

const modules: Modules = import.meta.glob("./app/convex/**/*.*s");

/** `convex-test` has one word for arguments and documents that do not match. */
function asConvexTestSays(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null) return answer;
  if (Array.isArray(answer)) return answer.map(asConvexTestSays);
  return Object.fromEntries(
    Object.entries(answer).map(([name, field]) => [
      name,
      name === "error" && (field === "arguments" || field === "schema")
        ? "validator"
        : asConvexTestSays(field),
    ]),
  );
}

const answersOfConvexTest = new Map<Case, Promise<unknown>>();

/** Each case is asked once: the answer is the measure of every transport. */
async function askConvexTest(each: Case): Promise<unknown> {
  const answer =
    answersOfConvexTest.get(each) ?? each.run(convexTestDriver(modules)).then((given) => normalise(given));
  answersOfConvexTest.set(each, answer);
  return await answer;
}

let server: ServerProcess;
let drivers: Record<string, EmbeddedDriver>;

beforeAll(async () => {
  const keys = await makeKeys();
  server = new ServerProcess({ env: { CONFORMANCE_JWKS: keys.jwks } });
  await server.start();
  drivers = { HTTP: httpDriver(server, keys), WebSocket: webSocketDriver(server, keys) };
});

afterAll(async () => {
  await Promise.all(Object.values(drivers).map((driver) => driver.close()));
  expect(await server.stop(), server.log).toBe(0);
  await server.dispose();
});

describe.each(["HTTP", "WebSocket"])("the embedded backend over %s", (transport) => {
  beforeEach(async () => {
    // A case that ends the server fails by itself; the next one still gets its chance.
    if (!server.isRunning) await server.start();
    while (!(await drivers["HTTP"]!.mutation(api.testing.reset, {})));
  });

  describe.each(areas)("$area", ({ cases }) => {
    const asked = cases.filter(({ heavy }) => heavy === undefined || transport === "HTTP");
    // Over WebSockets it is the same backend: live.test.ts has what they alone can do.
    const isLong = ({ slow }: Case) => slow === "shown elsewhere" || transport !== "HTTP";
    const ask = async (each: Case) => {
      if (each.heavy === true) onTestFinished(() => server.wipe());
      const answer = normalise(await each.run(drivers[transport]!));
      if ("expected" in each) expect(answer).toEqual(each.expected);
      if (each.convexTest !== undefined) return;
      expect(asConvexTestSays(answer)).toEqual(asConvexTestSays(await askConvexTest(each)));
    };
    test.each(asked.filter((each) => !isLong(each)))("$name", ask);
    longTest.each(asked.filter(isLong))("$name", ask);
  });
});

describe("convex-test differs from Convex where a case says so", () => {
  const differing = areas.flatMap(({ cases }) =>
    cases.filter(({ convexTest }) => convexTest !== undefined && "differs" in convexTest),
  );
  test.each(differing)("$name", async (each) => {
    expect(asConvexTestSays(await askConvexTest(each))).not.toEqual(asConvexTestSays(each.expected));
  });
});

test("every case says what Convex answers, or is measured by convex-test", () => {
  const unmeasured = areas.flatMap(({ cases }) =>
    cases.filter((each) => each.convexTest !== undefined && !("expected" in each)).map(({ name }) => name),
  );
  expect(unmeasured).toEqual([]);
});
