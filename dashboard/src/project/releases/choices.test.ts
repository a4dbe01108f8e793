import { describe, expect, test } from "vitest";
import type { DeployState } from "../../../../core/deploys.ts";
import { choicesOf, comparedWith, servingOf, type ReleaseFacts } from "./choices.ts";

const running = (release: number | null) => ({ desired: "running" as const, release });
const deploy = (number: number, state: DeployState, release: number) => ({ number, state, release });
const release = (number: number, state: ReleaseFacts["state"] = "passed"): ReleaseFacts => ({
  ...{ number, state },
  snapshot: "abc",
});

describe("what serves", () => {
  test("is the release of the deploy environment", () => {
    const serving = servingOf(running(2), [deploy(2, "live", 2), deploy(1, "live", 1)]);
    expect(serving).toEqual({ isThere: true, release: 2, underWay: null, before: 1 });
  });

  test("is still the release before, while another is brought", () => {
    const serving = servingOf(running(3), [
      deploy(3, "rolling", 3),
      deploy(2, "failed", 2),
      deploy(1, "live", 1),
    ]);
    expect(serving.release).toBe(1);
    expect(serving.underWay?.number).toBe(3);
    expect(serving.before).toBeNull();
  });

  test("is not the canary", () => {
    const serving = servingOf(running(1), [deploy(2, "canary", 2), deploy(1, "live", 1)]);
    expect(serving.release).toBe(1);
    expect(serving.underWay?.state).toBe("canary");
  });

  test("is nothing where deploy is not there, or hibernates", () => {
    expect(servingOf({ desired: "hibernated", release: 1 }, [deploy(1, "live", 1)])).toMatchObject({
      isThere: false,
      release: null,
    });
    expect(servingOf(undefined, []).isThere).toBe(false);
  });
});

describe("what can be done with a release", () => {
  const serving = servingOf(running(2), [deploy(2, "live", 2), deploy(1, "live", 1)]);

  test("a newer one can be deployed, whole or as a canary", () => {
    expect(choicesOf(release(3), serving)).toEqual(["deploy", "canary"]);
  });

  test("an older one is gone back to", () => {
    expect(choicesOf(release(1), serving)).toEqual(["rollback", "canary"]);
  });

  test("nothing with the one that serves, one that failed, and one without its content", () => {
    expect(choicesOf(release(2), serving)).toEqual([]);
    expect(choicesOf(release(3, "failed"), serving)).toEqual([]);
    expect(choicesOf({ ...release(3), snapshot: null }, serving)).toEqual([]);
  });

  test("nothing where there is no deploy environment", () => {
    expect(choicesOf(release(3), servingOf(undefined, []))).toEqual([]);
  });

  test("while one is brought, another can be brought in its place, and no canary", () => {
    const rolling = servingOf(running(3), [deploy(3, "rolling", 3), deploy(2, "live", 2)]);
    expect(choicesOf(release(4), rolling)).toEqual(["deploy"]);
    expect(choicesOf(release(3), rolling)).toEqual([]);
  });

  test("the first one is deployed to all", () => {
    const first = servingOf(running(null), []);
    expect(choicesOf(release(1), first)).toEqual(["deploy"]);
  });
});

test("a release is compared with the newest before it", () => {
  expect(comparedWith(4, [5, 4, 2, 1])).toBe(2);
  expect(comparedWith(1, [2, 1])).toBeNull();
});
