import { expect, test } from "vitest";
import { pages } from "./pages.ts";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

test("pages are fetched until there is no next one", async () => {
  const next: Record<string, string> = { "": "a", a: "b", b: "" };

  const tokens = await collect(pages(async (token) => ({ token, nextPageToken: next[token] ?? "" })));

  expect(tokens.map((page) => page.token)).toEqual(["", "a", "b"]);
});

test("a server that repeats a page token does not keep its client forever", async () => {
  await expect(collect(pages(async () => ({ nextPageToken: "a" })))).rejects.toThrow(/again and again/);
});
