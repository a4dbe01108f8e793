import { expect, test } from "vitest";
import { purposeOfSecret } from "./uses.ts";

const shop = {
  name: "shop",
  source: "https://git.example.com/shop.git",
  services: {
    web: { stack: "react", route: "/", gateway: { basicAuth: [{ user: "ada", secret: "DOOR" }] } },
    api: { stack: "node", route: "/api" },
  },
};

test("a secret is a variable of all services", () => {
  expect(purposeOfSecret(shop, "API_KEY")).toBe("variable of web, api");
});

test("a password of the gateway is for the services that ask for it", () => {
  expect(purposeOfSecret(shop, "DOOR")).toBe("password at the gateway for web");
});

test("what clones the source is for that alone", () => {
  expect(purposeOfSecret(shop, "GIT_TOKEN")).toBe("clones its source");
});

test("of a manifest that this page does not know nothing more is said", () => {
  expect(purposeOfSecret({ of: "tomorrow" }, "API_KEY")).toBe("a variable of its services");
});
