import { expect, test } from "vitest";
import { SlipwayError } from "./errors.ts";
import {
  codeOfFragment,
  makeSignInCode,
  openToken,
  sealToken,
  signInCodeHash,
  signInUrl,
} from "./signInLink.ts";

const TOKEN = "eyJhbGciOiJFUzI1NiJ9.eyJyb2xlIjoiYWRtaW4ifQ.c2lnbmF0dXJl";

test("a token goes through a link: sealed with its code, found by its name, opened again", () => {
  const code = makeSignInCode();
  const url = new URL(signInUrl("http://localhost:8080/", code));
  expect(url.pathname).toBe("/sign-in");
  expect(url.search).toBe("");
  const read = codeOfFragment(url.hash);
  expect(read).toBe(code);
  expect(openToken(read!, sealToken(code, TOKEN))).toBe(TOKEN);
});

test("no two codes are the same, and what is kept of one shows neither it nor the token", () => {
  const code = makeSignInCode();
  expect(code).toMatch(/^[0-9a-f]{64}$/);
  expect(makeSignInCode()).not.toBe(code);
  const sealed = sealToken(code, TOKEN);
  expect(sealed).not.toBe(sealToken(code, TOKEN));
  const kept = Buffer.from(sealed, "hex").toString("latin1");
  expect(kept).not.toContain(TOKEN.slice(0, 12));
  expect(sealed).not.toContain(code);
  expect(signInCodeHash(code)).toBe(signInCodeHash(code));
  expect(signInCodeHash(code)).not.toBe(code);
});

test("another code, and a changed seal, open nothing", () => {
  const code = makeSignInCode();
  const sealed = sealToken(code, TOKEN);
  for (let at = 0; at < sealed.length; at += 7) {
    const changed = sealed.slice(0, at) + (sealed[at] === "0" ? "1" : "0") + sealed.slice(at + 1);
    expect(() => openToken(code, changed)).toThrow(SlipwayError);
  }
  expect(() => openToken(makeSignInCode(), sealed)).toThrow("damaged");
  for (const wrong of ["", "zz", sealed.slice(0, 60)])
    expect(() => openToken(code, wrong)).toThrow(SlipwayError);
});

test("a fragment that is no code gives none", () => {
  for (const wrong of ["", "#", "#short", `#${"g".repeat(64)}`, `#${"a".repeat(65)}`]) {
    expect(codeOfFragment(wrong)).toBeNull();
  }
  expect(codeOfFragment(` #${"A".repeat(64)}`.trim())).toBe("a".repeat(64));
});
