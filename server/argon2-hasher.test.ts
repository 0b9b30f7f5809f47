import { expect, test } from "vitest";
import { Argon2Hasher } from "./argon2-hasher.ts";

test("a hash is good for its secret under its pepper only", async () => {
  const hasher = new Argon2Hasher("pepper");

  const hash = await hasher.hash("secret");

  const [, variant, version, cost] = hash.split("$");
  expect([variant, version, cost?.split(",").sort()]).toEqual(["argon2id", "v=19", ["m=19456", "p=1", "t=2"]]);
  expect(await hasher.verify(hash, "secret")).toBe(true);
  expect(await hasher.verify(hash, "Secret")).toBe(false);
  expect(await new Argon2Hasher("salt").verify(hash, "secret")).toBe(false);
});
