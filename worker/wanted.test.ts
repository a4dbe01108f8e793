import { expect, test } from "vitest";
import { SlipwayError } from "../core/errors.ts";
import type { ProjectSpec } from "../core/projectSpec.ts";
import { NAMESPACE, projectSpec } from "../core/render/render.fixtures.ts";
import { Presence } from "./presence.ts";
import { Wanted } from "./wanted.ts";

function setUp(answer: () => Promise<ProjectSpec | null>) {
  let asked = 0;
  const presence = new Presence();
  const controlPlane = {
    project: () => {
      asked += 1;
      return answer();
    },
  };
  return { wanted: new Wanted(controlPlane, presence), presence, asked: () => asked };
}

const away = new SlipwayError({ code: "deadline", message: "no answer" });

test("what is known is not asked for again until it expires", async () => {
  const { wanted, asked } = setUp(async () => projectSpec());
  await wanted.read("p1");
  await wanted.read("p1");
  expect(asked()).toBe(1);
  wanted.expire("p1");
  await wanted.read("p1");
  expect(asked()).toBe(2);
  expect(wanted.ownerOf(NAMESPACE)).toBe("p1");
});

test("what expires while it is being read is read again", async () => {
  let finish: (spec: ProjectSpec) => void = () => {};
  const { wanted, asked } = setUp(() => new Promise((resolve) => (finish = resolve)));
  const first = wanted.read("p1");
  wanted.expire("p1");
  finish(projectSpec());
  await first;
  const second = wanted.read("p1");
  finish(projectSpec());
  await second;
  expect(asked()).toBe(2);
});

test("while the control plane is away, what was last read counts, and nobody waits for more", async () => {
  let failing = false;
  const { wanted, presence, asked } = setUp(async () => {
    if (failing) throw away;
    return projectSpec();
  });
  const spec = await wanted.read("p1");
  failing = true;
  wanted.expire("p1");
  expect(await wanted.read("p1")).toBe(spec);
  expect(await wanted.read("p1")).toBe(spec);
  expect(asked()).toBe(2);
  failing = false;
  presence.noteHeard();
  await wanted.read("p1");
  expect(asked()).toBe(3);
});

test("what was never read cannot be guessed", async () => {
  const { wanted } = setUp(() => Promise.reject(away));
  await expect(wanted.read("p1")).rejects.toThrow("no answer");
});
