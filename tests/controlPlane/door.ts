import { describe, expect } from "vitest";
import { api } from "../../convex/_generated/api.js";
import { ADMIN, agentOf, WORKER, type Caller } from "./driver.ts";
import type { SuiteTest } from "./suite.ts";
import { createProject, move, registerHost } from "./world.ts";

/** The agents' door: HTTP with JSON. */
export function doorSuite(it: SuiteTest): void {
  const post = (caller: Caller, path: string, body: unknown) =>
    caller.fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: typeof body === "string" ? body : JSON.stringify(body),
    });

  async function expectProblem(response: Response, status: number, code: string) {
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    const problem = (await response.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({ status, code, type: `https://slipway.invalid/problems/${code}` });
    expect(response.status).toBe(status);
    return problem;
  }

  describe("the agents' door", () => {
    it("lets an agent work on its project", async ({ driver }) => {
      const { hostId, epoch } = await registerHost(driver);
      const { projectId } = await createProject(driver, "shop");
      await createProject(driver, "other");
      await move(driver, "shop", "planning");
      const agent = driver.as(agentOf(projectId, "read", "report", "logs", "move:development"));

      const list = await agent.fetch("/v1/projects");
      expect(await list.json()).toMatchObject({ items: [{ slug: "shop" }], next: null });
      const shown = await agent.fetch("/v1/projects/shop");
      expect(await shown.json()).toMatchObject({ slug: "shop", status: "planning" });

      const body = { to: "development", reason: "plan agreed", requestId: "r1" };
      const moved = await post(agent, "/v1/projects/shop/transitions", body);
      expect(moved.status).toBe(200);
      expect(await moved.json()).toMatchObject({ from: "planning", to: "development", changed: true });
      const again = await post(agent, "/v1/projects/shop/transitions", body);
      expect(await again.json()).toMatchObject({ changed: true });

      await post(agent, "/v1/projects/shop/reports", { message: "the login page works" });
      const events = await agent.fetch("/v1/projects/shop/events?limit=1");
      expect(await events.json()).toMatchObject({
        items: [{ type: "agent.report", message: "the login page works", actor: { subject: "robin" } }],
        next: expect.any(String),
      });

      const lines = [1, 2, 3].map((at) => ({
        service: "app",
        replica: 1,
        stream: "stdout" as const,
        at,
        text: `line ${at}`,
      }));
      const append = { hostId, epoch, projectId, kind: "dev" as const, lines };
      await driver.as(WORKER).mutation(api.worker.appendLogs, append);
      const logs = await agent.fetch("/v1/projects/shop/logs/dev?limit=2");
      expect(await logs.json()).toMatchObject({ lines: [{ text: "line 2" }, { text: "line 3" }] });
    });

    it("answers with problems that say what to do", async ({ driver }) => {
      const { projectId } = await createProject(driver, "shop");
      await createProject(driver, "other");
      const agent = driver.as(agentOf(projectId, "read", "report", "move:testing"));

      const nobody = await driver.as(null).fetch("/v1/projects/shop");
      expect(nobody.headers.get("www-authenticate")).toContain("Bearer");
      await expectProblem(nobody, 401, "unauthenticated");

      const illegal = await post(agent, "/v1/projects/shop/transitions", { to: "testing" });
      const problem = await expectProblem(illegal, 409, "illegal_transition");
      expect(problem).toMatchObject({
        detail: "shop cannot go from created to testing.",
        instance: "/v1/projects/shop/transitions",
        allowed: ["planning", "failed", "deleting"],
      });

      const hidden = await expectProblem(await agent.fetch("/v1/projects/other"), 404, "not_found");
      const nothing = await expectProblem(await agent.fetch("/v1/projects/nosuch"), 404, "not_found");
      expect({ ...hidden, detail: "", instance: "" }).toEqual({ ...nothing, detail: "", instance: "" });
      await expectProblem(await agent.fetch("/v1/projects/other/events"), 404, "not_found");

      await expectProblem(await agent.fetch("/v1/projects/shop/logs/dev"), 403, "forbidden");
      await expectProblem(await agent.fetch("/v1/projects?limit=0"), 400, "bad_request");
      await expectProblem(await agent.fetch("/v1/projects?colour=red"), 400, "bad_request");
      await expectProblem(await post(agent, "/v1/projects/shop/reports", "{"), 400, "bad_request");
      await expectProblem(
        await post(agent, "/v1/projects/shop/reports", "x".repeat(70_000)),
        413,
        "too_large",
      );
      const wrong = await post(agent, "/v1/projects/shop/transitions", { to: "nowhere" });
      expect((await expectProblem(wrong, 400, "bad_request")).allowed).toContain("development");
      const method = await agent.fetch("/v1/projects/shop", { method: "DELETE" });
      expect(method.headers.get("allow")).toBe("GET");
      await expectProblem(method, 405, "method_not_allowed");
      await expectProblem(await agent.fetch("/v1/nonsense"), 404, "not_found");
    });

    it("describes itself as OpenAPI 3.1 to anyone", async ({ driver }) => {
      const response = await driver.as(null).fetch("/v1/openapi.json");
      const document = (await response.json()) as {
        openapi: string;
        paths: Record<string, Record<string, object>>;
        components: { schemas: Record<string, object> };
      };
      expect(document.openapi).toBe("3.1.0");
      expect(Object.keys(document.paths)).toEqual([
        "/v1/projects",
        "/v1/projects/{project}",
        "/v1/projects/{project}/transitions",
        "/v1/projects/{project}/reports",
        "/v1/projects/{project}/events",
        "/v1/projects/{project}/releases",
        "/v1/projects/{project}/releases/{number}",
        "/v1/projects/{project}/deploys",
        "/v1/projects/{project}/rollbacks",
        "/v1/projects/{project}/logs/{environment}",
      ]);
      const transition = document.paths["/v1/projects/{project}/transitions"]!.post;
      expect(transition).toMatchObject({
        operationId: "transition",
        parameters: [{ name: "project", in: "path", required: true }],
        requestBody: {
          content: {
            "application/json": {
              schema: {
                type: "object",
                required: ["to"],
                additionalProperties: false,
                properties: { to: { enum: expect.arrayContaining(["development"]) } },
              },
            },
          },
        },
      });
      const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g);
      const named = [...new Set([...references].map((match) => match[1]))].sort();
      expect(named).toEqual([
        "Deploy",
        "DeployAnswer",
        "Event",
        "LogLine",
        "Move",
        "Problem",
        "Project",
        "ProjectSummary",
        "Release",
        "ReleaseDetails",
      ]);
      expect(Object.keys(document.components.schemas).sort()).toEqual(named);
      expect(JSON.stringify(document)).not.toContain("$defs");
    });

    it("gives an admin all projects, in pages", async ({ driver }) => {
      for (const name of ["one", "two", "three"]) await createProject(driver, name);
      const admin = driver.as(ADMIN);
      const first = (await (await admin.fetch("/v1/projects?limit=2")).json()) as {
        items: unknown[];
        next: string;
      };
      expect(first.items).toHaveLength(2);
      const second = await admin.fetch(`/v1/projects?limit=2&cursor=${encodeURIComponent(first.next)}`);
      expect(await second.json()).toMatchObject({ items: [{ slug: "one" }] });
    });
  });
}
