import { readFileSync } from "node:fs";
import { isIPv6 } from "node:net";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Registration } from "./domain/auth/deps.ts";

/** Where the server keeps what it keeps. */
export type StoreConfig =
  | { readonly kind: "embedded"; readonly dataDir: string }
  | { readonly kind: "served"; readonly databaseUrl: string; readonly redisUrl: string };

/** Everything that the environment settles. */
export interface Config {
  readonly stores: StoreConfig;
  /** argon2's secret: equal on every server over the same database. Undefined for the one that lies with embedded data. */
  readonly apiKeySalt: string | undefined;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly logLevel: string;
  readonly registration: Registration;
  /** Origins that browsers may call from; `*` for any. */
  readonly allowedOrigins: readonly string[];
  /** Whether `X-Forwarded-For` is believed. */
  readonly trustProxy: boolean;
  /** PEM files; undefined without TLS. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Where metrics are served, and nowhere else; undefined for /metrics on the port. */
  readonly metricsAddress: { readonly host: string; readonly port: number } | undefined;
  /** How long events are kept. */
  readonly eventRetentionMs: number;
}

/** One variable that can't be meant. */
export interface ConfigProblem {
  readonly variable: string;
  readonly description: string;
}

/** The environment can't be meant; names every variable that is wrong. */
export class ConfigError extends Error {
  constructor(readonly problems: readonly ConfigProblem[]) {
    super(problems.map((p) => `${p.variable}: ${p.description}`).join("\n"));
    this.name = "ConfigError";
  }
}

const LOG_LEVELS = ["fatal", "error", "warn", "info", "debug", "trace", "silent"];
const REGISTRATIONS: readonly Registration[] = ["open", "invite", "closed"];
const DAY_MS = 24 * 60 * 60 * 1_000;
const MAX_DAYS = 36_500;
/** Characters of an API_KEY_SALT. */
export const MIN_SALT_LENGTH = 16;

/**
 * Reads the configuration from the environment; nothing else in the server does.
 *
 * @throws ConfigError
 */
export function readConfig(env: NodeJS.ProcessEnv): Config {
  const problems: ConfigProblem[] = [];
  const reject = (variable: string, description: string) => problems.push({ variable, description });
  const oneOf = <Word extends string>(variable: string, words: readonly Word[], fallback: Word): Word => {
    const value = env[variable] || fallback;
    const word = words.find((w) => w === value);
    if (word === undefined) reject(variable, `${JSON.stringify(value)} is none of ${words.join(", ")}`);
    return word ?? fallback;
  };
  const yes = (variable: string) => oneOf(variable, ["1", "true", "0", "false"], "0").match(/^(1|true)$/) !== null;

  const host = env["HOST"] || "127.0.0.1";
  const tls = readTls(env, reject);
  if (!isLoopback(host) && tls === undefined && !yes("NEXUS_ALLOW_PLAINTEXT")) {
    reject(
      "HOST",
      `${host} is not loopback, and keys would travel in the clear; set NEXUS_TLS_CERT and NEXUS_TLS_KEY, or NEXUS_ALLOW_PLAINTEXT=1 behind a proxy that does TLS`,
    );
  }
  const stores = readStores(env, reject);
  const config = {
    stores,
    apiKeySalt: readSalt(env, stores, reject),
    host,
    port: readPort(env, reject),
    logLevel: oneOf("LOG_LEVEL", LOG_LEVELS, "info"),
    registration: oneOf("NEXUS_REGISTRATION", REGISTRATIONS, "open"),
    allowedOrigins: readOrigins(env, reject),
    trustProxy: yes("TRUST_PROXY"),
    tls,
    metricsAddress: readMetricsAddress(env, reject),
    eventRetentionMs: readDays(env, reject, "NEXUS_EVENT_RETENTION_DAYS", 30) * DAY_MS,
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return config;
}

function readStores(env: NodeJS.ProcessEnv, reject: (variable: string, description: string) => void): StoreConfig {
  const databaseUrl = env["DATABASE_URL"] || undefined;
  const redisUrl = env["REDIS_URL"] || undefined;
  if (databaseUrl === undefined && redisUrl === undefined) return { kind: "embedded", dataDir: readDataDir(env) };
  checkUrl("DATABASE_URL", databaseUrl, ["postgres:", "postgresql:"], reject);
  checkUrl("REDIS_URL", redisUrl, ["redis:", "rediss:", "redis+cluster:", "rediss+cluster:"], reject);
  return { kind: "served", databaseUrl: databaseUrl ?? "", redisUrl: redisUrl ?? "" };
}

function checkUrl(
  variable: string,
  value: string | undefined,
  protocols: readonly string[],
  reject: (variable: string, description: string) => void,
): void {
  if (value === undefined) {
    reject(variable, "is not set; DATABASE_URL and REDIS_URL go together (with neither, the stores are embedded)");
  } else if (!URL.canParse(value) || !protocols.includes(new URL(value).protocol)) {
    // The value may hold a password, so it is not shown.
    reject(variable, `is not a URL that begins with ${protocols.map((p) => `${p}//`).join(" or ")}`);
  }
}

function readDataDir(env: NodeJS.ProcessEnv): string {
  const dataHome = env["XDG_DATA_HOME"] || join(homedir(), ".local", "share");
  return resolve(env["NEXUS_DATA_DIR"] || join(dataHome, "nexus"));
}

function readPort(env: NodeJS.ProcessEnv, reject: (variable: string, description: string) => void): number {
  const value = env["PORT"] || "3000";
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535) {
    reject("PORT", `${JSON.stringify(value)} is not a port: 1 to 65535, or 0 for any free one`);
  }
  return port;
}

/** `host:port`, an IPv6 address in brackets. */
function readMetricsAddress(
  env: NodeJS.ProcessEnv,
  reject: (variable: string, description: string) => void,
): Config["metricsAddress"] {
  const value = env["NEXUS_METRICS_ADDR"] || undefined;
  if (value === undefined) return undefined;
  const [, ipv6, name, port = ""] = /^(?:\[([^\]]*)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(value) ?? [];
  const host = ipv6 ?? name ?? "";
  const isHost = ipv6 === undefined ? name !== undefined : isIPv6(ipv6);
  if (!isHost || Number(port) > 65_535) {
    reject(
      "NEXUS_METRICS_ADDR",
      `${JSON.stringify(value)} is not an address such as 127.0.0.1:9464 or [::1]:9464; leave it out for /metrics on PORT`,
    );
  }
  return { host, port: Number(port) };
}

function readDays(
  env: NodeJS.ProcessEnv,
  reject: (variable: string, description: string) => void,
  variable: string,
  fallback: number,
): number {
  const value = env[variable] || String(fallback);
  const days = Number(value);
  if (!/^\d+$/.test(value) || days < 1 || days > MAX_DAYS) {
    reject(variable, `${JSON.stringify(value)} is not a number of days: 1 to ${MAX_DAYS}`);
  }
  return days;
}

function readOrigins(env: NodeJS.ProcessEnv, reject: (variable: string, description: string) => void): string[] {
  const origins = (env["ALLOWED_ORIGINS"] ?? "").split(",").flatMap((origin) => origin.trim() || []);
  for (const origin of origins) {
    if (origin !== "*" && !(URL.canParse(origin) && new URL(origin).origin === origin)) {
      reject("ALLOWED_ORIGINS", `${JSON.stringify(origin)} is not an origin such as https://app.example.com`);
    }
  }
  return origins;
}

function readTls(env: NodeJS.ProcessEnv, reject: (variable: string, description: string) => void): Config["tls"] {
  const certFile = env["NEXUS_TLS_CERT"] || undefined;
  const keyFile = env["NEXUS_TLS_KEY"] || undefined;
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined) reject("NEXUS_TLS_CERT", "is not set, but NEXUS_TLS_KEY is; the two go together");
  if (keyFile === undefined) reject("NEXUS_TLS_KEY", "is not set, but NEXUS_TLS_CERT is; the two go together");
  for (const [variable, file] of [
    ["NEXUS_TLS_CERT", certFile],
    ["NEXUS_TLS_KEY", keyFile],
  ] as const) {
    if (file === undefined) continue;
    try {
      readFileSync(file);
    } catch (error) {
      reject(variable, `${file} can't be read: ${error instanceof Error ? error.message : error}`);
    }
  }
  return certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile };
}

function readSalt(
  env: NodeJS.ProcessEnv,
  stores: StoreConfig,
  reject: (variable: string, description: string) => void,
): string | undefined {
  const salt = env["API_KEY_SALT"] || undefined;
  if (salt === undefined && stores.kind === "served") {
    reject(
      "API_KEY_SALT",
      "is required with DATABASE_URL; make one with 'openssl rand -hex 32', the same on every server",
    );
  } else if (salt !== undefined && salt.length < MIN_SALT_LENGTH) {
    reject(
      "API_KEY_SALT",
      `has ${salt.length} characters; at least ${MIN_SALT_LENGTH}, for example of 'openssl rand -hex 32'`,
    );
  }
  return salt;
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\.\d+\.\d+\.\d+$/.test(host);
}
