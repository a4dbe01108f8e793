import { describe, expect, test } from "vitest";
import { definitionOf, parseAttachmentDefinition, runOf } from "../../core/attachment.ts";
import { loadAttachments } from "./loadAttachments.ts";

const definitions = loadAttachments();
const run = (image: string) => runOf(definitionOf(definitions, image)!, image);

test("there is one for each that the documentation names", () => {
  expect(Object.keys(definitions)).toEqual(["mongodb", "mysql", "postgres", "rabbitmq", "redis"]);
});

describe("an image is run as its definition says", () => {
  test.each([
    ["postgres:15", "slipway/postgres:15", "1000:1000"],
    ["postgres", "slipway/postgres:15", "1000:1000"],
    ["docker.io/library/postgres:15-alpine", "slipway/postgres:15", "1000:1000"],
    ["postgres:16", "postgres:16", "1000:1000"],
    ["postgres:16-alpine", "postgres:16-alpine", "70:70"],
    ["postgis/postgis:15-3.4", "postgis/postgis:15-3.4", "1000:1000"],
    [
      "mirror.example.com:5000/library/postgres:15",
      "mirror.example.com:5000/library/postgres:15",
      "1000:1000",
    ],
    ["redis:7-alpine", "slipway/redis:7", "1000:1000"],
    ["redis:6", "redis:6", "1000:1000"],
    ["mysql", "slipway/mariadb:10", "1000:1000"],
    ["mysql:8", "mysql:8", "1000:1000"],
    ["mariadb:10.11", "slipway/mariadb:10", "1000:1000"],
    ["mongodb", "mongo:7", "1000:1000"],
    ["mongodb:6", "mongo:6", "1000:1000"],
    ["mongo:7", "mongo:7", "1000:1000"],
    ["rabbitmq", "slipway/rabbitmq:3", "1000:1000"],
    ["rabbitmq:4-management", "rabbitmq:4-management", "1000:1000"],
  ])("%s as %s, by %s", (image, made, user) => {
    expect(run(image)).toMatchObject({ image: made, user });
  });

  test("and from PostgreSQL 18 on its data is elsewhere", () => {
    expect(run("postgres:18-alpine")).toMatchObject({ data: ["/var/lib/postgresql"], user: "70:70" });
    expect(run("postgres:17").data).toEqual(["/var/lib/postgresql/data"]);
  });

  test("while of another image nothing is known", () => {
    expect(definitionOf(definitions, "minio/minio:latest")).toBeNull();
    expect(definitionOf(definitions, "my-postgres:15")).toBeNull();
  });
});

test("a damaged definition is refused by its file and path", () => {
  expect(() => parseAttachmentDefinition("name: x\nprivileged: true\n", "x.yml")).toThrow(
    /x\.yml.*privileged/s,
  );
  expect(() => parseAttachmentDefinition("a: [", "x.yml")).toThrow(/x\.yml/);
});
