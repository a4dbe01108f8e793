import { describe, expect, it } from "vitest";
import {
  allowedNext,
  desiredAfter,
  EDGES,
  EFFECTS,
  ENVIRONMENT_KINDS,
  keepsVolumes,
  PAUSABLE,
  STATUSES,
} from "./lifecycle.ts";

describe("the table of moves", () => {
  it("has each edge once", () => {
    const names = EDGES.map(({ from, to }) => `${from}→${to}`);
    expect(new Set(names).size).toBe(names.length);
  });

  it("is the design's", () => {
    expect(Object.fromEntries(STATUSES.map((status) => [status, allowedNext(status)]))).toEqual({
      created: ["planning", "failed", "deleting"],
      planning: ["development", "paused", "failed", "deleting"],
      development: ["testing", "paused", "failed", "deleting"],
      testing: ["deployment", "development", "paused", "failed", "deleting"],
      deployment: ["development", "paused", "failed", "deleting"],
      paused: ["failed", "deleting"],
      failed: ["planning", "development", "deleting"],
      deleting: [],
    });
  });

  it.each(PAUSABLE)("lets a project paused in %s go back there alone", (from) => {
    expect(allowedNext("paused", from)).toEqual([from, "failed", "deleting"]);
  });
});

describe("desiredAfter", () => {
  it("leaves a deployed release serving through the next iteration", () => {
    for (const status of ["planning", "development", "testing"] as const) {
      expect(desiredAfter(status, "deploy", "running")).toBe("running");
      expect(desiredAfter(status, "deploy", "absent")).toBe("absent");
    }
  });

  it("hibernates what ran, and leaves absent what never did", () => {
    expect(desiredAfter("paused", "dev", "running")).toBe("hibernated");
    expect(desiredAfter("paused", "deploy", "absent")).toBe("absent");
    expect(desiredAfter("deployment", "dev", "absent")).toBe("absent");
  });

  it("otherwise does what the table says, whatever was there", () => {
    for (const status of STATUSES) {
      for (const kind of ENVIRONMENT_KINDS) {
        const effect = EFFECTS[status][kind];
        if (effect === "unchanged") continue;
        for (const current of ["running", "hibernated"] as const) {
          expect(desiredAfter(status, kind, current)).toBe(effect);
        }
      }
    }
  });
});

describe("keepsVolumes", () => {
  it("keeps everything of a failed project and nothing of one that is deleted", () => {
    for (const kind of ENVIRONMENT_KINDS) {
      expect(keepsVolumes("failed", kind)).toBe(true);
      expect(keepsVolumes("deleting", kind)).toBe(false);
    }
  });

  it("keeps a workspace through planning, and no data of a test", () => {
    expect(keepsVolumes("planning", "dev")).toBe(true);
    expect(keepsVolumes("development", "test")).toBe(false);
  });
});
