import { afterEach, expect, test } from "vitest";
import { observationsOf, projectsOf } from "../simulation/rows.ts";
import { developing } from "../testing/developing.ts";

let end = () => {};
afterEach(() => end());

test("an environment whose password is missing is not told to serve, nor to run, until it is there", async () => {
  const web = (user: object) => ({
    services: { web: { stack: "node", route: "/", gateway: { basicAuth: [user] } } },
  });
  const { world, id, call, settle, ...scene } = await developing(web({ user: "anna", secret: "ANNA" }));
  end = scene.end;
  const [project] = projectsOf(world);
  const dev = () => observationsOf(world, project!).find(({ kind }) => kind === "dev");
  const routed = () => dev()?.conditions.find(({ type }) => type === "Routed");
  const page = () => world.gateway.table.get(project!.namespace)?.environments.dev;

  expect(page()).toMatchObject({ state: "failed", message: expect.stringContaining("ANNA") });
  expect(routed()).toMatchObject({ status: "false", reason: "PasswordMissing", message: page()?.message });
  expect(dev()).toMatchObject({ phase: "failed", message: page()?.message });
  expect(world.server.database.all("inbox")).toEqual([]);

  const hash = `pbkdf2-sha256$20000$${"ab".repeat(16)}$${"cd".repeat(32)}`;
  await call("projects:updateManifest", { project: id, manifest: web({ user: "anna", hash }) });
  await settle();
  expect(page()).toMatchObject({ state: "serving" });
  expect(routed()).toMatchObject({ status: "true", reason: "Serving" });
  expect(dev()).toMatchObject({ phase: "running", message: "" });
});
