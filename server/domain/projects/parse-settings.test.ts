import { expect, test } from "vitest";
import { PathInvalidError, RequestInvalidError } from "../errors.ts";
import { FieldParser } from "../field-parser.ts";
import { type GivenSettings, parseSettings } from "./parse-settings.ts";

const NOTHING: GivenSettings = {
  sessionTtlMs: undefined,
  lockDelayMs: undefined,
  sharedPaths: [],
  caseSensitive: false,
};

function parse(given: GivenSettings | undefined) {
  const fields = new FieldParser();
  const settings = parseSettings(fields, "settings", given);
  fields.done();
  return settings;
}

test("without settings there are defaults, with the usual lockfiles shared", () => {
  const settings = parse(undefined);

  expect(settings).toMatchObject({ sessionTtlMs: 300_000, lockDelayMs: 15_000, caseSensitive: false });
  expect(settings.sharedPaths).toEqual(expect.arrayContaining(["package-lock.json", "go.sum", "CHANGELOG.md"]));
  expect(settings.sharedPaths).not.toContain("package.json");
});

test("settings without shared paths share nothing", () => {
  expect(parse(NOTHING).sharedPaths).toEqual([]);
});

test("shared paths are stored in normal form, each once", () => {
  const settings = parse({ ...NOTHING, sharedPaths: ["./yarn.lock", "yarn.lock", "web//app/[id].md"] });

  expect(settings.sharedPaths).toEqual(["yarn.lock", "web/app/[id].md"]);
});

test.each(["*.lock", "locks/**", "a.{json,lock}", "glob:[ab].lock"])("the shared path %j is refused", (path) => {
  const bad = () => parse({ ...NOTHING, sharedPaths: ["yarn.lock", path] });

  expect(bad).toThrow(PathInvalidError);
  expect(bad).toThrow(/^settings\.shared_paths\[1\]: must be a literal path/);
});

test("every path and span that is wrong is named", () => {
  const bad = () => parse({ sessionTtlMs: 29_999, lockDelayMs: 600_001, sharedPaths: ["/etc"], caseSensitive: false });

  expect(bad).toThrow(RequestInvalidError);
  expect(bad).toThrow(/settings\.session_ttl: .*settings\.lock_delay: .*settings\.shared_paths\[0\]: /);
});
