import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { type AddressInfo, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { COMMANDS } from "./command-table.ts";
import { run } from "./run.ts";
import { SessionStore } from "./session/session-store.ts";

// Clipanion's ES modules import a directory, which Node refuses; its CommonJS build is the one that works.
vi.mock("clipanion", async () => (await import("node:module")).createRequire(import.meta.url)("clipanion"));

const ID = "5f0c8a5e-0000-4000-8000-000000000000";
const HELD = ["--fencing-token", "1"];

/** Ask no server, or run one. */
const LOCAL = [
  "serve",
  "logout",
  "completion",
  "version",
  "doctor",
  ...["backup", "restore", "move", "reset-key"].map((verb) => `admin ${verb}`),
];

/** What every other command needs to come as far as asking the server. A new command has to be added. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  setup: ["--no-start"],
  login: ["--register", "--email", "a@example.com", "--name", "Ana"],
  whoami: [],
  status: [],
  watch: [],
  learn: ["a text"],
  decision: ["a text"],
  save: ["a text", ...HELD],
  resume: ["login"],
  "project create": ["shop"],
  "project list": [],
  "project show": [],
  "project use": ["shop"],
  "project settings": [],
  "project members": [],
  "project add-member": ["b@example.com"],
  "project remove-member": ["b@example.com"],
  "project delete": ["shop", "--confirm", "shop"],
  "feature create": ["--title", "Login"],
  "feature list": [],
  "feature available": [],
  "feature show": ["login"],
  "feature edit": ["login", "--title", "Log in"],
  "feature ready": ["login"],
  "feature unready": ["login"],
  "feature pick": ["login"],
  "feature next": [],
  "feature release": ["login", ...HELD],
  "feature done": ["login", ...HELD],
  "feature merged": ["login"],
  "feature cancel": ["login"],
  "feature delete": ["login"],
  "roadmap show": [],
  "roadmap reorder": ["login", "--lane", "now"],
  "key create": ["ci"],
  "key list": [],
  "key revoke": ["4fGh7KlMn0Pq"],
  "claim check": ["src/auth.ts"],
  "claim list": [],
  "claim mine": [],
  "claim extend": ["src/auth.ts"],
  "claim release": ["src/auth.ts"],
  "claim force-release": ["login", "--reason", "gone"],
  "knowledge search": ["cache"],
  "knowledge learnings": [],
  "knowledge decisions": [],
  "session open": [],
  "session heartbeat": [],
  "session list": [],
  "session show": [],
  "session close": [],
};

const names = COMMANDS.map(({ words }) => words.join(" "));

let folder = "";
let silent: Server;
const servers = { "nobody listens": "", "a server accepts and says nothing": "" };

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "nexus-away-")));
  const closed = createServer();
  servers["nobody listens"] = await listen(closed);
  await new Promise((resolve) => closed.close(resolve));
  silent = createServer((socket) => socket.on("error", () => {}));
  servers["a server accepts and says nothing"] = await listen(silent);
});

afterAll(() => {
  silent?.close();
  rmSync(folder, { recursive: true });
});

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A session with a picked feature, which the commands about what is held need. */
function keepPick(server: string): void {
  const held = { slug: "login", fencingToken: "1" };
  new SessionStore({ HOME: folder }).save({ server, projectId: ID, sessionId: ID, held }, new Date());
}

async function nexus(args: readonly string[], url: string) {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const env = {
    HOME: folder,
    NEXUS_URL: url,
    NEXUS_API_KEY: "nxs_key",
    NEXUS_PROJECT: ID,
    NEXUS_SESSION: ID,
    NEXUS_TIMEOUT_MS: "300",
  };
  const exitCode = await run(args, {
    stdin: Readable.from([]),
    stdout,
    stderr,
    env,
    colorDepth: 1,
    cwd: folder,
    platform: process.platform,
    programFolder: folder,
    onInterrupt: () => () => {},
    now: () => new Date("2026-11-22T12:00:00Z"),
  });
  stdout.end();
  stderr.end();
  return { exitCode, stdout: await text(stdout), stderr: await text(stderr) };
}

test("every command is in the table, and nothing else", () => {
  expect([...LOCAL, ...Object.keys(ARGUMENTS)].toSorted()).toEqual(names.toSorted());
});

describe.each(Object.keys(servers) as (keyof typeof servers)[])("where %s", (which) => {
  // One after the other they would take a minute.
  test.concurrent.each(names.filter((name) => !LOCAL.includes(name)))(
    "%s ends in time: exit 4, a sentence, a next step",
    async (name) => {
      keepPick(servers[which]);
      const answer = await nexus([...name.split(" "), ...(ARGUMENTS[name] ?? [])], servers[which]);

      expect(answer).toMatchObject({ exitCode: 4, stdout: "" });
      expect(answer.stderr).toMatch(/^nexus: the server .*(can't be reached|did not answer in time|said nothing).*\n/m);
      expect(answer.stderr).toMatch(/^next: .+/m);
    },
    10_000,
  );
});
