import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { keptSalt } from "./api-key-salt.ts";
import { ConfigError, readConfig } from "./config.ts";

const SALT = "0123456789abcdef";
const SERVED = {
  DATABASE_URL: "postgres://nexus:secret@db/nexus",
  REDIS_URL: "redis://cache",
  API_KEY_SALT: SALT,
};

function problemsOf(env: Record<string, string>): Record<string, string> {
  try {
    readConfig(env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return Object.fromEntries(error.problems.map((p) => [p.variable, p.description]));
  }
  throw new Error("the configuration was accepted");
}

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "nexus-config-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test("with an empty environment the stores are embedded, on loopback, port 3000", () => {
  const dataHome = emptyFolder();
  expect(readConfig({ XDG_DATA_HOME: dataHome })).toMatchObject({
    stores: { kind: "embedded", dataDir: join(dataHome, "nexus") },
    host: "127.0.0.1",
    port: 3000,
    registration: "open",
    logLevel: "info",
  });
});

test("with both URLs the stores are served", () => {
  expect(readConfig(SERVED)).toMatchObject({
    stores: { kind: "served", databaseUrl: SERVED.DATABASE_URL, redisUrl: SERVED.REDIS_URL },
    apiKeySalt: SALT,
  });
});

test("an embedded server makes its own salt once, readable by nobody else", () => {
  const folder = emptyFolder();
  const first = keptSalt(folder);

  expect(keptSalt(folder)).toBe(first);
  expect(first).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(join(folder, "api-key-salt")).mode & 0o777).toBe(0o600);
});

test("a salt that was cut short is not taken for another one", () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "api-key-salt"), "ab");
  expect(() => keptSalt(folder)).toThrow(/cut short/);
});

test("one URL without the other names the one that is missing", () => {
  expect(Object.keys(problemsOf({ DATABASE_URL: SERVED.DATABASE_URL, API_KEY_SALT: SALT }))).toEqual(["REDIS_URL"]);
  expect(Object.keys(problemsOf({ REDIS_URL: SERVED.REDIS_URL, API_KEY_SALT: SALT }))).toEqual(["DATABASE_URL"]);
});

test("served stores need a salt that is given, and long enough", () => {
  expect(problemsOf({ ...SERVED, API_KEY_SALT: "" })["API_KEY_SALT"]).toContain("required");
  expect(problemsOf({ ...SERVED, API_KEY_SALT: "short" })["API_KEY_SALT"]).toContain("at least 16");
});

test("every wrong variable is named at once, and no password is repeated", () => {
  const problems = problemsOf({
    ...SERVED,
    DATABASE_URL: "mysql://nexus:secret@db",
    PORT: "80a",
    LOG_LEVEL: "loud",
    NEXUS_REGISTRATION: "maybe",
    ALLOWED_ORIGINS: "https://ok.example,not an origin",
    TRUST_PROXY: "perhaps",
    NEXUS_TLS_CERT: "/nowhere/cert.pem",
  });

  expect(Object.keys(problems).sort()).toEqual([
    "ALLOWED_ORIGINS",
    "DATABASE_URL",
    "LOG_LEVEL",
    "NEXUS_REGISTRATION",
    "NEXUS_TLS_CERT",
    "NEXUS_TLS_KEY",
    "PORT",
    "TRUST_PROXY",
  ]);
  expect(JSON.stringify(problems)).not.toContain("secret");
});

test("anything but loopback needs TLS, or the word that plaintext is meant", () => {
  expect(problemsOf({ ...SERVED, HOST: "0.0.0.0" })["HOST"]).toContain("NEXUS_ALLOW_PLAINTEXT");
  expect(readConfig({ ...SERVED, HOST: "0.0.0.0", NEXUS_ALLOW_PLAINTEXT: "1" }).host).toBe("0.0.0.0");
});

test.each(["65536", "-1", "3000x", "1e3"])("PORT=%s is refused", (port) => {
  expect(problemsOf({ ...SERVED, PORT: port })["PORT"]).toContain("is not a port");
});

test.each([
  ["127.0.0.1:9464", { host: "127.0.0.1", port: 9464 }],
  ["[::1]:9464", { host: "::1", port: 9464 }],
  ["metrics.internal:0", { host: "metrics.internal", port: 0 }],
  ["", undefined],
])("NEXUS_METRICS_ADDR=%s is where metrics are served", (address, expected) => {
  expect(readConfig({ ...SERVED, NEXUS_METRICS_ADDR: address }).metricsAddress).toEqual(expected);
});

test.each([
  "9464",
  ":9464",
  "localhost",
  "localhost:",
  "localhost:65536",
  "localhost:94x",
  "::1:9464",
  "[::g]:9464",
  "http://localhost:9464",
  "a b:1",
])("NEXUS_METRICS_ADDR=%s is refused", (address) => {
  expect(problemsOf({ ...SERVED, NEXUS_METRICS_ADDR: address })["NEXUS_METRICS_ADDR"]).toContain("is not an address");
});
