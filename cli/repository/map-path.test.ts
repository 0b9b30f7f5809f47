import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mapPath } from "./map-path.ts";

let outside = "";
let root = "";

beforeAll(() => {
  outside = realpathSync(mkdtempSync(join(tmpdir(), "nexus-map-")));
  root = join(outside, "repo");
  mkdirSync(join(root, "src", "ui"), { recursive: true });
  mkdirSync(join(root, "app", "[id]"), { recursive: true });
  mkdirSync(join(root, "odd{a,b}"));
  writeFileSync(join(root, "src", "auth.ts"), "");
  symlinkSync(join(root, "src"), join(root, "linked"));
  symlinkSync(root, join(outside, "alias"));
  symlinkSync(outside, join(root, "away"));
  symlinkSync("auth.ts", join(root, "src", "alias.ts"));
});

afterAll(() => rmSync(outside, { recursive: true }));

function map(typed: string, below = "") {
  return mapPath(typed, { cwd: join(root, below), root, platform: "linux" });
}

test.each([
  ["src/auth.ts", "", "src/auth.ts"],
  ["src/ui/**", "", "src/ui/**"],
  ["./src//auth.ts", "", "./src//auth.ts"],
  ["", "", ""],
  ["auth.ts", "src", "src/auth.ts"],
  ["ui/**/*.ts", "src", "src/ui/**/*.ts"],
  ["../README.md", "src", "src/../README.md"],
  [".", "src", "src/."],
  ["page.tsx", "app/[id]", "app/[id]/page.tsx"],
  ["new/file.ts", "src/ui", "src/ui/new/file.ts"],
])("%j typed in %j means %j", (typed, below, expected) => {
  expect(map(typed, below)).toBe(expected);
});

test("an absolute path inside the working tree is made relative, from any folder", () => {
  expect(map(join(root, "src/auth.ts"))).toBe("src/auth.ts");
  expect(map(join(root, "not/there/yet.ts"), "src")).toBe("not/there/yet.ts");
  expect(map(`${root}/src/**/*.{ts,tsx}`)).toBe("src/**/*.{ts,tsx}");
  expect(map(root)).toBe(".");
});

test("an absolute path that reaches the working tree by way of a link is the same file", () => {
  expect(map(join(outside, "alias/src/auth.ts"))).toBe("src/auth.ts");
  expect(map(join(root, "linked/auth.ts"))).toBe("src/auth.ts");
});

test("a folder reached through a link inside the working tree has one name only", () => {
  expect(map("linked/auth.ts")).toBe("src/auth.ts");
  expect(map("linked/ui/**")).toBe("src/ui/**");
  expect(map("linked/not/there.ts")).toBe("src/not/there.ts");
});

test("a link has the name of what it stands for, however it is typed", () => {
  expect(map("src/alias.ts")).toBe("src/auth.ts");
  expect(map(join(root, "src/alias.ts"))).toBe("src/auth.ts");
  expect(map("linked")).toBe("src");
  expect(map(join(root, "linked"))).toBe("src");
});

test("absolute paths work where the way to the working tree has a name like a pattern", () => {
  const odd = { cwd: join(root, "odd{a,b}"), root: join(root, "odd{a,b}"), platform: "linux" } as const;

  expect(mapPath(join(odd.root, "file.ts"), odd)).toBe("file.ts");
  expect(mapPath(`${odd.root}/src/*.{ts,tsx}`, odd)).toBe("src/*.{ts,tsx}");
});

test("a link that leads out of the working tree is kept as it was typed", () => {
  expect(map("away/file.ts")).toBe("away/file.ts");
});

test("a path outside the working tree is refused, and so is an absolute one where there is none", () => {
  expect(() => map("/etc/passwd")).toThrow(/outside the working tree/);
  expect(() => map(join(outside, "repository/x"))).toThrow(/outside the working tree/);
  expect(() => mapPath("/etc/passwd", { cwd: "/tmp", root: undefined, platform: "linux" })).toThrow(/no git/);
  expect(mapPath("src/a.ts", { cwd: "/tmp", root: undefined, platform: "linux" })).toBe("src/a.ts");
});

test("the current folder's name is never taken for a pattern", () => {
  expect(map("glob:[a-c].ts", "app/[id]")).toBe("glob:app/\\[id\\]/[a-c].ts");
  expect(() => map("file.ts", "odd{a,b}")).toThrow(/run it from/);
  expect(() => map(join(root, "odd{a,b}", "file.ts"))).toThrow("write glob:odd\\{a,b\\}/file.ts from");
});

test("backslashes separate on Windows only, and never in glob: entries", () => {
  const origin = { cwd: "C:\\work\\repo\\src", root: "C:\\work\\repo", platform: "win32" } as const;

  expect(mapPath("ui\\button.ts", origin)).toBe("src/ui/button.ts");
  expect(mapPath("C:\\work\\repo\\lib\\a.ts", origin)).toBe("lib/a.ts");
  expect(mapPath("glob:a\\*.ts", origin)).toBe("glob:src/a\\*.ts");
  expect(map("a\\b.ts")).toBe("a\\b.ts");
});
