import { expect, test } from "vitest";
import { RateLimitedError } from "../errors.ts";
import { BoundedHasher } from "./bounded-hasher.ts";

/** A hasher whose work ends when the test says so. */
function handDriven() {
  const running: { secret: string; end: (error?: Error) => void }[] = [];
  const work = (secret: string) =>
    new Promise<string>((resolve, reject) => {
      running.push({ secret, end: (error) => (error ? reject(error) : resolve(`hash of ${secret}`)) });
    });
  const bounded = new BoundedHasher({ hash: work, verify: async (_hash, secret) => (await work(secret)) !== "" });
  return { bounded, running };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("two run at a time, the rest in the order in which they came", async () => {
  const { bounded, running } = handDriven();
  const all = [bounded.hash("a"), bounded.verify("", "b"), bounded.hash("c"), bounded.hash("d")];
  await settled();
  expect(running.map((r) => r.secret)).toEqual(["a", "b"]);

  running[1]?.end();
  await settled();

  expect(running.map((r) => r.secret)).toEqual(["a", "b", "c"]);
  running[0]?.end();
  running[2]?.end();
  await settled();
  running[3]?.end();
  expect(await Promise.all(all)).toEqual(["hash of a", true, "hash of c", "hash of d"]);
});

test("one that fails makes room for the next", async () => {
  const { bounded, running } = handDriven();
  const failing = [bounded.hash("a"), bounded.hash("b")];
  const next = bounded.hash("c");
  await settled();

  for (const { end } of [...running]) end(new Error("broken"));

  await expect(Promise.allSettled(failing)).resolves.toMatchObject([{ status: "rejected" }, { status: "rejected" }]);
  await settled();
  running.at(-1)?.end();
  expect(await next).toBe("hash of c");
});

test("what comes on top of 64 waiting is refused, and only that", async () => {
  const { bounded, running } = handDriven();
  const taken = Array.from({ length: 66 }, (_, i) => bounded.hash(`${i}`));

  await expect(bounded.hash("one too many")).rejects.toThrow(RateLimitedError);

  for (let ended = 0; ended < taken.length; ended++) {
    await settled();
    running[ended]?.end();
  }
  expect(await Promise.all(taken)).toHaveLength(66);
});
