import { expect, test } from "vitest";
import { vBasicAuthUser } from "../../core/routes.ts";
import { basicAuthUser } from "./basicAuth.ts";

test("a password is kept as a salted hash that the table accepts", async () => {
  const [one, two] = [await basicAuthUser("ann", "open sesame"), await basicAuthUser("ann", "open sesame")];
  expect(vBasicAuthUser.parse(one)).toEqual(one);
  expect(one.hashHex).not.toBe(two.hashHex);
  expect(JSON.stringify(one)).not.toContain("sesame");
});
