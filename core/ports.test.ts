import { describe, expect, it } from "vitest";
import { SlipwayError } from "./errors.ts";
import { parseManifest } from "./manifest.ts";
import { parsePortRange, portVariable, publishedServices } from "./ports.ts";

describe("ports", () => {
  it("reads a range", () => {
    expect(parsePortRange("30000-31999")).toEqual({ first: 30_000, last: 31_999 });
  });

  it.each(["", "30000", "31999-30000", "80-90", "30000-70000", "30000–31999"])("refuses %j", (text) => {
    expect(() => parsePortRange(text)).toThrow(SlipwayError);
  });

  it("names the variable after environment and service", () => {
    expect(portVariable("dev", "postgres")).toBe("DEV_POSTGRES_PORT");
    expect(portVariable("deploy", "shop-api")).toBe("DEPLOY_SHOP_API_PORT");
  });

  it("are for the services that ask for one", () => {
    const services = { web: { stack: "react", route: "/" }, api: { stack: "node", publish: true } };
    expect(publishedServices(parseManifest({ name: "shop", services }))).toEqual(["api"]);
    expect(publishedServices(parseManifest({ name: "shop", stack: "node" }))).toEqual([]);
  });
});
