import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { PROCESSES, table } from "../testing/process-table.ts";
import { isOlder, isServing, KeeperRecords, keeperPlace } from "./keeper-record.ts";

const SERVER = "http://127.0.0.1:3000";
const PROCESS = { pid: 20, startTime: "200", machine: "boot-1" };

let folder = "";
let records: KeeperRecords;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nexus-keepers-"));
  records = new KeeperRecords({ XDG_STATE_HOME: folder });
});

afterEach(() => rmSync(folder, { recursive: true }));

function claim(version = "1.2.3", process = PROCESS) {
  return records.claim(keeperPlace({}, SERVER, table()), process, version, new Date());
}

test("the last one that claimed is the keeper; the one before sees that it is not, and takes nothing away", () => {
  const first = claim();
  const second = claim();

  expect([records.isCurrent(first), records.isCurrent(second)]).toEqual([false, true]);
  records.release(first);
  expect(records.list()).toEqual([second]);
  records.release(second);
  expect(records.list()).toEqual([]);
});

test("a keeper serves while its process runs; a process that got its pid is not it", () => {
  const record = claim();

  expect(isServing(record, "1.2.3", table())).toBe(true);
  expect(isServing(undefined, "1.2.3", table())).toBe(false);
  expect(isServing({ ...record, process: { ...PROCESS, startTime: "199" } }, "1.2.3", table())).toBe(false);
  expect(isServing(record, "1.2.3", table(PROCESSES, "boot-2"))).toBe(false);
  expect(isServing(record, "1.3.0", table())).toBe(false);
});

test.each([
  ["1.2.3", "1.2.4"],
  ["1.9.0", "1.10.0"],
  ["0.9.9", "1.0.0"],
  ["1.0.0-rc.1", "1.0.0"],
])("%s is older than %s", (older, newer) => {
  expect([isOlder(older, newer), isOlder(newer, older), isOlder(older, older)]).toEqual([true, false, false]);
});

test("each server, machine and given key has a keeper of its own", () => {
  const ids = [
    keeperPlace({}, SERVER, table()),
    keeperPlace({}, "http://other", table()),
    keeperPlace({}, SERVER, table(PROCESSES, "boot-2")),
    keeperPlace({ NEXUS_API_KEY: "nxs_a" }, SERVER, table()),
    keeperPlace({ NEXUS_API_KEY: "nxs_b" }, SERVER, table()),
  ].map(({ id }) => id);

  expect(new Set(ids).size).toBe(ids.length);
  expect(keeperPlace({ CLAUDE_CODE_SESSION_ID: "x" }, SERVER, table()).id).toBe(ids[0]);
});
