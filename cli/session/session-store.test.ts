import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SessionStore } from "./session-store.ts";

const ID = "5f0c8a5e-0000-4000-8000-000000000001";
const PROJECT = "5f0c8a5e-0000-4000-8000-000000000002";
const WORKER = { server: "http://127.0.0.1:3000", projectId: PROJECT, clientSessionId: "claude:one" };
const SESSION = {
  server: WORKER.server,
  projectId: PROJECT,
  sessionId: ID,
  held: { slug: "login", fencingToken: "7" },
};

let folder = "";
let store: SessionStore;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "nexus-store-"));
  store = new SessionStore({ XDG_STATE_HOME: folder });
});

afterEach(() => rmSync(folder, { recursive: true }));

function save() {
  store.save(SESSION, new Date());
  store.setCurrent(WORKER, ID);
}

function damage(kind: "sessions" | "workers", content: string) {
  const below = join(folder, "nexus", kind);
  for (const name of readdirSync(below)) writeFileSync(join(below, name), content);
}

test("what was saved is read again, for its own project only", () => {
  save();

  expect(store.read(ID, PROJECT)).toEqual(SESSION);
  expect(store.read(ID, ID)).toBeUndefined();
  expect(store.currentOf(WORKER)).toBe(ID);
});

test.each(["", "{", "null", "[]", '{"sessionId":"../../x"}', '{"sessionId":5}'])(
  "the damaged file %j counts as none",
  (content) => {
    save();
    damage("sessions", content);
    damage("workers", content);

    expect(store.read(ID, PROJECT)).toBeUndefined();
    expect(store.currentOf(WORKER)).toBeUndefined();
  },
);

test.each([
  5,
  {},
  { slug: {}, fencingToken: "7" },
  { slug: "login", fencingToken: 7 },
  { slug: "login", fencingToken: "x" },
])("a session that holds %j holds nothing that could be sent", (held) => {
  save();
  damage("sessions", JSON.stringify({ ...SESSION, held }));

  expect(store.read(ID, PROJECT)).toEqual({ ...SESSION, held: undefined });
});

test("whether a session can be saved is found out without changing anything", () => {
  save();
  const files = () => readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  const before = files();

  store.ensureSavable(ID);

  expect(files()).toEqual(before);
  expect(store.read(ID, PROJECT)).toEqual(SESSION);
  const file = join(folder, "file");
  writeFileSync(file, "");
  const nowhere = new SessionStore({ XDG_STATE_HOME: file });
  expect(() => nowhere.ensureSavable(ID)).toThrow(expect.objectContaining({ reason: "FILE_UNUSABLE" }));
  expect(() => nowhere.save(SESSION, new Date())).toThrow(expect.objectContaining({ reason: "FILE_UNUSABLE" }));
  expect(readFileSync(file, "utf8")).toBe("");
});

test("every session is listed with a revision that changes when its file is written", () => {
  save();
  const [listed] = store.list();
  expect(store.list()).toEqual([{ sessionId: ID, revision: store.revisionOf(ID) }]);

  save();

  expect(store.revisionOf(ID)).not.toBe(listed?.revision);
  store.remove(ID);
  expect([store.list(), store.revisionOf(ID)]).toEqual([[], undefined]);
});
