import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LONG, LONGER } from "../../tests/longFiles.ts";
import { REPOSITORY } from "./dataDir.ts";

const FOLDERS = ["convex", "core", "dashboard", "docker", "embedded", "scripts", "tests", "worker"];
const tests = FOLDERS.flatMap((folder) =>
  readdirSync(join(REPOSITORY, folder), { recursive: true, encoding: "utf8" })
    .filter((file) => /\.test\.tsx?$/.test(file) && !file.includes("node_modules/"))
    .map((file) => `${folder}/${file}`),
);
const doMore = tests.filter((file) =>
  /from "(?:\.\.?\/)+(?:tests\/)?long\.ts"/.test(readFileSync(join(REPOSITORY, file), "utf8")),
);

test("every test file that does more in the long tests is among them, and each that is named is there", () => {
  expect([...LONGER].sort()).toEqual(doMore.sort());
  expect(LONG.filter((file) => !tests.includes(file))).toEqual([]);
});
