import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { printedFileNames } from "./aptWorkspace.ts";
import { parseImage, readCatalogue } from "./catalogue.ts";
import { configLines, pulledDockerfile, registryName } from "./dockerFiles.ts";
import { linkedLibraries } from "./hostNode.ts";
import { npmClosure } from "./npmClosure.ts";
import { recipeHash } from "./recipeHash.ts";
import { selectImages } from "./selectImages.ts";

const IMAGE = `
name: web
tag: slipway/web:1
about: a web server
pull: { image: nginx:1, steps: ["COPY --from=busybox:1 /bin/busybox /bin/busybox"] }
debian: { packages: [nginx-light] }
env: { GREETING: 'say "hi" for $5' }
cmd: [nginx]
verify: [nginx, -v]
`;
const image = parseImage(IMAGE, "web.yml");

describe("catalogue", () => {
  test("ours is whole: unique names and tags, what is built on another comes after it", () => {
    const images = readCatalogue();
    expect(images.map(({ name }) => name)).toEqual(expect.arrayContaining(["gateway", "firewall", "node"]));
    expect(new Set(images.map(({ tag }) => tag)).size).toBe(images.length);
    for (const [index, { derived }] of images.entries()) {
      if (derived) expect(images.slice(0, index).map(({ name }) => name)).toContain(derived.from);
    }
  });

  test("a damaged file is refused with its name, the place and what is allowed", () => {
    const damaged = IMAGE.replace("cmd: [nginx]", "cmd: nginx").replace("about:", "abuot:");
    expect(() => parseImage(damaged, "web.yml")).toThrow(/web\.yml/);
    expect(() => parseImage(damaged, "web.yml")).toThrow(
      expect.objectContaining({ reason: "catalogue-invalid", fix: expect.stringMatching(/abuot[\s\S]*cmd/) }),
    );
    expect(() => parseImage(IMAGE.replace(/debian:.*/, ""), "web.yml")).toThrow(/no image definition/);
  });

  test("asking for an image brings what it is built on; an unknown one is refused with the names there are", () => {
    expect(selectImages(readCatalogue(), ["react"]).map(({ name }) => name)).toEqual(["node", "react"]);
    expect(() => selectImages(readCatalogue(), ["raect"])).toThrow(
      expect.objectContaining({ reason: "image-unknown", fix: expect.stringContaining("react") }),
    );
  });
});

describe("recipe hash", () => {
  test("does not see words and order", () => {
    const same = parseImage(IMAGE.replace("a web server", "serves"), "web.yml");
    const reordered = Object.fromEntries(Object.entries(image).reverse()) as typeof image;
    expect([recipeHash(same), recipeHash(reordered)]).toEqual([recipeHash(image), recipeHash(image)]);
  });

  test("sees packages, environment, command and ingredients", () => {
    const hashes = [
      image,
      parseImage(IMAGE.replace("nginx-light", "nginx-full"), "web.yml"),
      parseImage(IMAGE.replace("hi", "ho"), "web.yml"),
      parseImage(IMAGE.replace("cmd: [nginx]", "cmd: [nginx, -g]"), "web.yml"),
    ].map((one) => recipeHash(one));
    expect(new Set([...hashes, recipeHash(image, ["react@19"])]).size).toBe(5);
  });
});

describe("Dockerfiles", () => {
  test("quote what users of the catalogue write", () => {
    expect(configLines(image, "abc")).toContain('ENV GREETING="say \\"hi\\" for \\$5"');
    expect(configLines(image, "abc")).toContain('LABEL slipway.image="web" slipway.recipe-hash="abc"');
  });

  test("name every image as the registry knows it", () => {
    const text = pulledDockerfile(image, "abc", (name) => registryName(name, "mirror.example:5000/hub/"));
    expect(text).toMatch(/^FROM mirror\.example:5000\/hub\/library\/nginx:1$/m);
    expect(text).toMatch(/--from=mirror\.example:5000\/hub\/library\/busybox:1 /);
  });

  test.each([
    ["node:20", undefined, "node:20"],
    ["node:20", "m.example", "m.example/library/node:20"],
    ["openresty/openresty:1", "m.example", "m.example/openresty/openresty:1"],
    ["ghcr.io/a/b:1", "m.example", "ghcr.io/a/b:1"],
  ])("%s through %s is %s", (name, registry, expected) =>
    expect(registryName(name, registry)).toBe(expected),
  );
});

test("apt's list of files to download", () => {
  const output = `Reading package lists...
'http://m.example/pool/l/libc6_2.36-9_amd64.deb' libc6_2.36-9_amd64.deb 2757552 SHA256:ab
'http://m.example/pool/n/nginx_1%3a1_all.deb' nginx_1%3a1_all.deb 10 SHA256:cd
`;
  expect(printedFileNames(output)).toEqual(["libc6_2.36-9_amd64.deb", "nginx_1%3a1_all.deb"]);
});

test("libraries in the output of ldd", () => {
  const output = `	linux-vdso.so.1 (0x00007f387731f000)
	libdl.so.2 => /lib/x86_64-linux-gnu/libdl.so.2 (0x00007f3877309000)
	libgone.so.1 => not found
	/lib64/ld-linux-x86-64.so.2 (0x00007f3877321000)`;
  expect(linkedLibraries(output)).toEqual([
    "/lib/x86_64-linux-gnu/libdl.so.2",
    "/lib64/ld-linux-x86-64.so.2",
  ]);
});

describe("npm packages of an image", () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "slipway-closure-"));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  test("come with what they depend on, and with the optional ones of this platform", () => {
    const add = (name: string, more: object) => {
      mkdirSync(path.join(folder, name), { recursive: true });
      writeFileSync(
        path.join(folder, name, "package.json"),
        JSON.stringify({ name, version: "1.0.0", ...more }),
      );
    };
    add("page", { dependencies: { core: "1" } });
    add("core", { dependencies: { page: "1" } });
    add("tool", { optionalDependencies: { "@tool/here": "1", "@tool/elsewhere": "1" } });
    add("@tool/here", {});
    add("other", {});
    expect(npmClosure(folder, ["page", "tool"]).map(({ name }) => name)).toEqual([
      "@tool/here",
      "core",
      "page",
      "tool",
    ]);
    expect(() => npmClosure(folder, ["missing"])).toThrow(/missing is not installed/);
  });
});
