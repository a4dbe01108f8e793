import { describe, expect, it } from "vitest";
import { byLeastReserved, largestContainer, missingOn, reservationOf } from "./capacity.ts";
import { parseManifest } from "./manifest.ts";

const GIB = 1024 ** 3;
const shop = parseManifest({
  name: "shop",
  services: {
    web: { stack: "react", route: "/" },
    api: { image: "shop-api:1", port: 3000, route: "/api", replicas: 2 },
  },
});
const host = { name: "h", cpus: 4, memoryBytes: 8 * GIB, reserved: { cpus: 0, memoryBytes: 0 } };
const plain = { cpus: 1, memory: 1 };

describe("reservationOf", () => {
  it("counts each container of what runs, and replicas in deploy alone", () => {
    expect(reservationOf(shop, { dev: "running", test: "absent", deploy: "hibernated" })).toEqual({
      cpus: 4,
      memoryBytes: 4 * GIB,
    });
    expect(reservationOf(shop, { dev: "absent", test: "absent", deploy: "running" })).toEqual({
      cpus: 3,
      memoryBytes: 3 * GIB,
    });
  });
});

describe("missingOn", () => {
  it("says nothing where it fits exactly", () => {
    const wanted = { cpus: 4, memoryBytes: 8 * GIB };
    expect(missingOn(host, wanted, { cpus: 2, memoryBytes: GIB }, plain)).toBeNull();
  });

  it("says how much is missing", () => {
    const wanted = { cpus: 4.5, memoryBytes: 9 * GIB };
    expect(missingOn(host, wanted, { cpus: 2, memoryBytes: GIB }, plain)).toBe("h lacks 0.5 CPUs and 1 GiB");
    expect(missingOn(host, wanted, { cpus: 2, memoryBytes: GIB }, { cpus: 2, memory: 2 })).toBeNull();
  });

  it("never splits a container, however much may be promised", () => {
    const one = largestContainer(parseManifest({ name: "a", stack: "node" }), { dev: "running" });
    const small = { ...host, cpus: 1 };
    expect(missingOn(small, one, one, { cpus: 100, memory: 100 })).toBe(
      "h has 1 CPUs, and one container wants 2",
    );
  });
});

describe("byLeastReserved", () => {
  it("prefers the smaller share of memory, then of CPU, then the name", () => {
    const of = (name: string, cpus: number, memoryBytes: number) => ({
      ...host,
      name,
      reserved: { cpus, memoryBytes },
    });
    const hosts = [of("d", 0, GIB), of("c", 2, 0), of("b", 1, 0), of("a", 1, 0)];
    expect(hosts.sort(byLeastReserved).map((one) => one.name)).toEqual(["a", "b", "c", "d"]);
  });
});
