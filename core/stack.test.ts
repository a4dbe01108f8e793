import { expect, test } from "vitest";
import { parseStack } from "./stack.ts";

const STACK = `
name: node
about: Node.js
image: slipway/node:20
port: 3000
commands:
  dev: [node, --watch, server.js]
  test: [node, --test]
  deploy: [node, server.js]
ready: /health
healthcheck: [CMD-SHELL, "wget -q -O /dev/null http://127.0.0.1:$PORT/health"]
starter: starters/node
`;

test("a stack is read, with its defaults", () => {
  expect(parseStack(STACK, "node.yml")).toMatchObject({
    name: "node",
    commands: { test: ["node", "--test"] },
    writable: [],
    environment: {},
  });
});

test.each([
  ["a port that needs root", ["port: 3000", "port: 80"], /port/],
  ["a command as text", ["[node, --test]", "node --test"], /commands\.test/],
  ["a starter outside the folder", ["starters/node", "../../etc"], /starter/],
  ["an unknown key", ["about:", "abuot:"], /abuot/],
  ["a health check of another kind", ["CMD-SHELL", "SHELL"], /healthcheck/],
  ["damaged YAML", ["commands:", "commands: ["], /node\.yml/],
] as const)("%s is refused, with the file and the place", (_what, [from, to], place) => {
  expect(() => parseStack(STACK.replace(from, to), "docker/stacks/node.yml")).toThrow(place);
  expect(() => parseStack(STACK.replace(from, to), "docker/stacks/node.yml")).toThrow(
    /docker\/stacks\/node\.yml/,
  );
});
