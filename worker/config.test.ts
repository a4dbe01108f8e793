import { expect, test } from "vitest";
import { workerConfig } from "./config.ts";

const SET = {
  CONVEX_URL: "http://127.0.0.1:3210",
  SLIPWAY_TOKEN_FILE: "/data/token",
  SLIPWAY_DATA: "/data",
  SLIPWAY_INSTANCE: "abcd2345",
  SLIPWAY_HTTP_PORT: "8080",
};

test("the base domain is in lower case, as hosts are compared", () => {
  expect(workerConfig(SET).baseDomain).toBe("localhost");
  expect(workerConfig({ ...SET, SLIPWAY_BASE_DOMAIN: "" }).baseDomain).toBe("localhost");
  expect(workerConfig({ ...SET, SLIPWAY_BASE_DOMAIN: "Apps.Example.org" }).baseDomain).toBe(
    "apps.example.org",
  );
});

test("what is missing or wrong is named", () => {
  expect(() => workerConfig({ ...SET, SLIPWAY_HTTP_PORT: "0", SLIPWAY_DATA: "" })).toThrow(
    /SLIPWAY_DATA: .*SLIPWAY_HTTP_PORT: /,
  );
  expect(() => workerConfig({ ...SET, SLIPWAY_BASE_DOMAIN: "192.168.1.5" })).toThrow(/"192.168.1.5"/);
});
