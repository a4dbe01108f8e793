import Docker from "dockerode";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadStacks, starterFolder } from "../docker/stacks/loadStacks.ts";
import { readCatalogue } from "../scripts/images/catalogue.ts";
import { eventually, logsOf, Playground } from "./images/confined.ts";

/**
 * Every image runs as projects run it: uid 1000, a read-only root, no capabilities, no way out. Every starter serves its
 * page so, follows a changed source in dev, and passes its own test; a starter that was broken fails it.
 */

const docker = new Docker();
const playground = new Playground(docker);
const stacks = loadStacks();

beforeAll(() => playground.open());
afterAll(() => playground.close());

describe.each(readCatalogue().filter(({ onDemand }) => onDemand !== true))(
  "image $tag",
  ({ name, tag, verify }) => {
    test("has users, a shell, and does its work unprivileged on a read-only root", async () => {
      const script = [
        "id -u",
        "id -un",
        "touch /proof 2>&1",
        "touch /tmp/proof && echo tmp is writable",
      ].join("; ");
      const { output } = await playground.run(tag, ["sh", "-c", script]);
      expect(output).toContain("1000");
      expect(output).toMatch(/app|node/);
      expect(output).toMatch(/proof.*Read-only file system/);
      expect(output).toContain("tmp is writable");
      expect(await playground.run(tag, verify)).toMatchObject({ code: 0 });
    });

    test("says what it is and what it was made from", async () => {
      const { Config } = await docker.getImage(tag).inspect();
      expect(Config.Labels).toMatchObject({
        "slipway.image": name,
        "slipway.recipe-hash": expect.stringMatching(/^[0-9a-f]{16}$/),
      });
    });
  },
);

/** An edit that an owner of each starter might make: the file, and the words that then appear. */
const edits: Record<string, { file: string; from: string; broken: { file: string; content: string } }> = {
  node: {
    file: "page.js",
    from: "Running in a container",
    broken: { file: "page.js", content: "export const page = () => 'x';" },
  },
  python: {
    file: "page.py",
    from: "Running in a container",
    broken: { file: "page.py", content: "def page(**_): return 'x'" },
  },
  static: {
    file: "public/index.html",
    from: "Plain files",
    broken: { file: "public/index.html", content: "<title>x</title>" },
  },
  react: {
    file: "src/App.jsx",
    from: "Running in a container",
    broken: { file: "src/App.jsx", content: "export const App = () => null, times = String;" },
  },
};

describe.each(Object.values(stacks))("stack $name", (stack) => {
  test.each(["dev", "deploy"] as const)(
    "%s serves the starter's page and its parts, and stops on SIGTERM",
    async (kind) => {
      const volume = await playground.volumeOf(starterFolder(stack));
      const { container, base } = await playground.start(stack.image, stack.commands[kind], {
        stack,
        volume,
        environment: kind,
      });
      await eventually(
        () => fetch(`${base}${stack.ready}`),
        (response) => response.status === 200,
      );

      const html = await (await fetch(`${base}/`)).text();
      expect(html).not.toMatch(/(href|src)="\//);
      const links = [...html.matchAll(/(?:href|src)="([^"#:]+)"/g)].map(([, link]) => link!);
      expect(links.length).toBeGreaterThan(0);
      const parts = await Promise.all(
        links.map(async (link) => {
          const response = await fetch(new URL(link, `${base}/`));
          expect([link, response.status]).toEqual([link, 200]);
          return response.text();
        }),
      );
      const page = [html, ...parts].join("\n");
      expect(page).toContain("lighthouse");
      expect(page).toContain("project_1_abc");
      expect(page).toContain(kind);

      await eventually(
        () => container.inspect(),
        ({ State }) => State.Health?.Status === "healthy",
      );
      const before = Date.now();
      await container.stop({ t: 10 });
      expect(Date.now() - before).toBeLessThan(5_000);
      expect([0, 143]).toContain((await container.inspect()).State.ExitCode);
    },
  );

  test("dev shows a changed source without being told", async () => {
    const edit = edits[stack.name]!;
    const folder = starterFolder(stack);
    const volume = await playground.volumeOf(folder);
    const { container, base } = await playground.start(stack.image, stack.commands.dev, { stack, volume });
    const shown = async () => {
      const html = await (await fetch(`${base}/`)).text();
      return stack.name === "react" ? (await fetch(`${base}/app.js`)).text() : html;
    };
    await eventually(shown, (text) => text.includes(edit.from));
    const source = await readFile(`${folder}/${edit.file}`, "utf8");
    await playground.write(volume, { [edit.file]: source.replace(edit.from, "Changed by its owner") });
    await eventually(shown, (text) => text.includes("Changed by its owner")).catch(async (error: unknown) => {
      throw new Error(`${String(error)}\n${await logsOf(container)}`);
    });
  });

  test("test passes on the starter and fails on a broken one", async () => {
    const volume = await playground.volumeOf(starterFolder(stack));
    const passed = await playground.run(stack.image, stack.commands.test, {
      stack,
      volume,
      environment: "test",
    });
    expect(passed.output).toMatch(/pass|ok/i);
    expect(passed).toMatchObject({ code: 0 });
    const { file, content } = edits[stack.name]!.broken;
    await playground.write(volume, { [file]: content });
    const failed = await playground.run(stack.image, stack.commands.test, {
      stack,
      volume,
      environment: "test",
    });
    expect(failed.code).not.toBe(0);
  });
});
