import { exportJWK, generateKeyPair, type JWK } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import { SlipwayError } from "./errors.ts";
import { openSecret, readSeal, sealingKeyOf, sealSecret, type SealingKey } from "./sealing.ts";

async function makeKey(): Promise<JWK> {
  return await exportJWK((await generateKeyPair("ECDH-ES", { crv: "P-256", extractable: true })).privateKey);
}

describe("sealing", () => {
  const address = { namespace: "project_1700000000000_abcdefgh", name: "API_KEY" };
  let old: JWK, current: JWK, publicKey: SealingKey;

  beforeAll(async () => {
    [old, current] = [await makeKey(), await makeKey()];
    publicKey = await sealingKeyOf(current);
  });

  it("gives the public half only", () => {
    expect(publicKey).not.toHaveProperty("d");
  });

  it("comes back as it was, whatever it was", async () => {
    for (const value of ["s3cret", "", "line\nline", "ключ 🔑", "x".repeat(20_000)]) {
      const sealed = await sealSecret(publicKey, address, value);
      if (value) expect(sealed).not.toContain(value);
      expect(await openSecret([old, current], address, sealed)).toBe(value);
    }
  });

  it("tells whose it is without being opened", async () => {
    expect(readSeal(await sealSecret(publicKey, address, "s"))).toEqual({ ...address, kid: publicKey.kid });
  });

  it.each(["plain text", "a.b.c.d.e", "", `${btoa("{}")}..aa..aa`, "x".repeat(200_000)])(
    "is told from what is not sealed: %.20s",
    (text) => {
      expect(readSeal(text)).toBeNull();
    },
  );

  it("opens as no other secret, and with no other key", async () => {
    const sealed = await sealSecret(publicKey, address, "s");
    const other = { ...address, name: "OTHER" };
    await expect(openSecret([current], other, sealed)).rejects.toThrow("sealed as API_KEY");
    await expect(openSecret([old], address, sealed)).rejects.toThrow("does not have the key");
  });

  it("is refused when somebody changed it, without a word of it", async () => {
    const sealed = await sealSecret(publicKey, address, "s3cret");
    const [header, key, iv, text, tag] = sealed.split(".");
    const renamed = btoa(
      atob(header!.replaceAll("-", "+").replaceAll("_", "/")).replace("API_KEY", "API_KEZ"),
    )
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replace(/=+$/, "");
    const forged = [renamed, key, iv, text, tag].join(".");
    const error = await openSecret([current], { ...address, name: "API_KEZ" }, forged).catch(
      (e: unknown) => e,
    );
    expect(error).toBeInstanceOf(SlipwayError);
    expect((error as SlipwayError).message).toContain("does not fit its key");
    expect((error as SlipwayError).message).not.toContain("s3cret");
  });
});
