import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { KeeperLog } from "./keeper-log.ts";

test("the log is a line for each text, and never larger than two files of 64 KiB", () => {
  const folder = mkdtempSync(join(tmpdir(), "nexus-log-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "keeper.log");
  const log = new KeeperLog(path);

  for (let at = 0; at < 400; at++) log.write(`${at} ${"x".repeat(1_000)}\nand more`);

  expect(readdirSync(folder).sort()).toEqual(["keeper.log", "keeper.log.1"]);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThan(66 * 1_024);
  const last = readFileSync(path, "utf8").trimEnd().split("\n").at(-1);
  expect(last).toMatch(/^\d{4}-\d\d-\d\dT\S+ 399 x+\\u\{a\}and more$/);
});

test("a log that can't be written is left", () => {
  expect(() => new KeeperLog("/nonexistent/folder/keeper.log").write("text")).not.toThrow();
});
