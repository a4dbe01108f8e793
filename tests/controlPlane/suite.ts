import { test, type TestAPI } from "vitest";
import type { Driver, OpenDriver } from "./driver.ts";

export type SuiteTest = TestAPI<{ driver: Driver }>;

/** Vitest's `it`, giving each test a backend of its own, empty. */
export function testWith(open: OpenDriver): SuiteTest {
  return test.extend<{ driver: Driver }>({
    driver: async ({}, use) => {
      const driver = await open();
      await use(driver);
      await driver.close();
    },
  });
}
