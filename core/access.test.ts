import { describe, expect, it } from "vitest";
import { ISSUER, parseClaims, verbsOf } from "./access.ts";

const admin = { issuer: ISSUER, subject: "ada", role: "admin", jti: "t0" };

describe("parseClaims", () => {
  it("reads a token of ours", () => {
    expect(parseClaims({ ...admin, tid: "t1", email: "x@y.z" })).toMatchObject({
      role: "admin",
      subject: "ada",
      tokenId: "t1",
    });
  });

  it.each([
    ["another issuer's", { ...admin, issuer: "https://example.com" }],
    ["an unknown role", { ...admin, role: "root" }],
    ["no role", { ...admin, role: undefined }],
    ["an agent without a project", { ...admin, role: "agent", verbs: ["read"] }],
    ["one that cannot be revoked", { ...admin, jti: undefined }],
    ["nothing", null],
  ])("refuses %s", (_, identity) => {
    expect(parseClaims(identity)).toBeNull();
  });

  it.each([
    ["a list", ["read", "report"]],
    ["JSON text", '["read","report"]'],
    ["words", "read report"],
  ])("takes verbs as %s", (_, verbs) => {
    const claims = parseClaims({ ...admin, role: "agent", project: "p", verbs });
    expect([...claims!.verbs]).toEqual(["read", "report"]);
  });

  it.each([["[not json"], [7], [[1, 2]]])("gives no verb to %j", (verbs) => {
    const claims = parseClaims({ ...admin, role: "agent", project: "p", verbs });
    expect([...claims!.verbs]).toEqual([]);
  });
});

describe("verbsOf", () => {
  it("gives each agent the moves that are its work", () => {
    expect(verbsOf("planner")).toContain("move:development");
    expect(verbsOf("tester")).not.toContain("move:deployment");
    expect(verbsOf("deployer").filter((verb) => verb.startsWith("move:"))).toEqual([
      "move:deployment",
      "move:development",
    ]);
  });

  it("lets developers write files, testers run things, and the others look", () => {
    const files = (agent: Parameters<typeof verbsOf>[0]) =>
      verbsOf(agent).filter((verb) => verb.startsWith("files.") || verb === "exec");
    expect(files("developer")).toEqual(["files.read", "files.write", "exec"]);
    expect(files("tester")).toEqual(["files.read", "exec"]);
    expect(files("planner")).toEqual(["files.read"]);
    expect(files("deployer")).toEqual(["files.read"]);
  });
});
