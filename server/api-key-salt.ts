import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ConfigError, MIN_SALT_LENGTH } from "./config.ts";

/** Where the embedded server's own API_KEY_SALT is kept. */
export function saltFile(dataDir: string): string {
  return join(dataDir, "api-key-salt");
}

/**
 * The embedded server's own API_KEY_SALT, made at its first start. Without it every key is worthless, so it lies with
 * the data; nobody else may read it.
 *
 * @throws ConfigError when it can't be read or written
 */
export function keptSalt(dataDir: string): string {
  const file = saltFile(dataDir);
  try {
    try {
      writeFileSync(file, randomBytes(32).toString("hex"), { mode: 0o600, flag: "wx" });
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    }
    const salt = readFileSync(file, "utf8").trim();
    if (salt.length >= MIN_SALT_LENGTH) return salt;
  } catch (error) {
    throw unusable(error instanceof Error ? error.message : String(error));
  }
  throw unusable(`${file} is cut short; restore it, or remove it and reset every key`);
}

function unusable(description: string): ConfigError {
  return new ConfigError([{ variable: "NEXUS_DATA_DIR", description }]);
}
