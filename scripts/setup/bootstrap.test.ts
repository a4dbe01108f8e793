import { describe, expect, test } from "vitest";
import { isInStep } from "./lockStep.mjs";
import { nodeVersionProblem } from "./nodeVersion.mjs";

describe("Node.js", () => {
  test.each(["20.19.0", "20.20.2", "22.0.0", "24.1.0"])("%s will do", (version) => {
    expect(nodeVersionProblem(version, "/usr/bin/node")).toBeUndefined();
  });

  test.each(["18.20.0", "20.18.3", "0.12.0"])(
    "%s is refused, with what is needed and how to get it",
    (version) => {
      expect(nodeVersionProblem(version, "/usr/bin/node")).toMatch(
        /20\.19 or newer.*\/usr\/bin\/node[\s\S]*nvm install/,
      );
    },
  );
});

describe("packages in step with the lock file", () => {
  const lock = {
    packages: {
      "": { version: "0.1.0" },
      "node_modules/a": { version: "1.0.0", integrity: "sha512-a" },
      "node_modules/mac-only": { version: "1.0.0", integrity: "sha512-m", optional: true },
    },
  };
  const a = { "node_modules/a": { version: "1.0.0", integrity: "sha512-a" } };

  test("are, without what another platform needs", () => {
    expect(isInStep(lock, { packages: a })).toBe(true);
  });

  test.each([
    ["one is missing", {}],
    ["one has another version", { "node_modules/a": { version: "1.0.1", integrity: "sha512-a" } }],
    ["one has other content", { "node_modules/a": { version: "1.0.0", integrity: "sha512-b" } }],
    ["there is one too many", { ...a, "node_modules/b": { version: "1.0.0" } }],
  ])("are not when %s", (_what, packages) => {
    expect(isInStep(lock, { packages })).toBe(false);
  });
});
