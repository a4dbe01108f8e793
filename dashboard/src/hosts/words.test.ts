import { expect, test } from "vitest";
import { ofBytes, ofCpus } from "./words.ts";

const GIB = 1024 ** 3;

test("CPUs are said without noise", () => {
  expect(ofCpus(1.5, 4)).toBe("1.5 of 4 CPU");
  expect(ofCpus(0.1 + 0.2, 16)).toBe("0.3 of 16 CPU");
});

test("one unit is said once, two are both said", () => {
  expect(ofBytes(1.5 * GIB, 8 * GIB)).toBe("1.5 of 8 GiB");
  expect(ofBytes(GIB / 2, 8 * GIB)).toBe("512 MiB of 8 GiB");
});
