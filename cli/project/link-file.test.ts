import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findLink, writeLink } from "./link-file.ts";

const LINK = { server: "http://127.0.0.1:3000", project: "11111111-1111-4111-8111-111111111111", slug: "shop" };

function folder(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "nexus-link-")));
  onTestFinished(() => rmSync(path, { recursive: true }));
  return path;
}

test("outside of a working tree a link in a folder above does not count", () => {
  const above = folder();
  writeFileSync(join(above, ".nexus.json"), JSON.stringify(LINK));
  mkdirSync(join(above, "below"));

  expect(findLink(join(above, "below"), undefined)).toBeUndefined();
  expect(findLink(above, undefined)?.link).toEqual(LINK);
});

test("a link is not written through a symbolic link", () => {
  const here = folder();
  writeFileSync(join(here, "precious"), "mine");
  symlinkSync("precious", join(here, ".nexus.json"));

  expect(() => writeLink(here, undefined, LINK)).toThrow(/symbolic link/);
});
