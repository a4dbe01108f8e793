import { ConvexError } from "convex/values";
import { expect, test } from "vitest";
import { SlipwayError } from "../../../core/errors.ts";
import { freePort } from "../../setup/ports.ts";
import { explain, failureLine, NOT_RUNNING, WrongUse } from "./fail.ts";

test("an expected error of the control plane is one line with what is allowed and what to do", () => {
  const error = new ConvexError({
    code: "illegal_transition",
    message: "shop is created and cannot move to testing.",
    allowed: ["planning", "failed", "deleting"],
    hint: "Move it to planning first.",
  });
  const failure = explain(error);
  expect(failure.exitCode).toBe(1);
  expect(failureLine(failure.data)).toBe(
    "shop is created and cannot move to testing. Allowed: planning, failed, deleting. Move it to planning first.",
  );
});

test("what is allowed is not said twice", () => {
  const data = { code: "bad_request" as const, message: "It may be a, b.", allowed: ["a", "b"] };
  expect(failureLine(explain(new SlipwayError(data)).data)).toBe("It may be a, b.");
});

test("a refused connection, at any depth, means that Slipway is not running", async () => {
  const refused = await fetch(`http://127.0.0.1:${await freePort(28_000)}`).catch((error: unknown) => error);
  const failure = explain(new Error("outer", { cause: refused }));
  expect(failure).toEqual({ exitCode: 1, data: NOT_RUNNING });
  expect(failureLine(failure.data)).toBe("Slipway is not running here. Start it with: npm start");
});

test("wrong use has an exit code of its own; anything else has failed and keeps its causes", () => {
  expect(explain(new WrongUse("No.")).exitCode).toBe(2);
  const failure = explain(new Error("outer", { cause: new Error("inner") }));
  expect(failure.exitCode).toBe(1);
  expect(failure.data.message).toContain("outer: inner");
});
