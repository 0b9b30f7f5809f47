import { ConfigError, readConfig } from "./config.ts";
import { resetKey } from "./domain/auth/reset-key.ts";
import { createLogger } from "./logger.ts";
import { startServer } from "./server.ts";
import { keyMaker, openDatabase, systemClock } from "./wiring.ts";

/** Ends the process after a second SIGINT or SIGTERM, and when a clean stop takes longer than this. */
const STOP_BOUND_MS = 30_000;

/** `main.js`: serves until SIGTERM or SIGINT. `main.js admin reset-key <email>`: a new key for who lost the only one. */
async function main(args: readonly string[]): Promise<number> {
  const [command, subcommand, email, ...rest] = args;
  if (command === undefined) return serve();
  if (command === "admin" && subcommand === "reset-key" && email !== undefined && rest.length === 0) {
    return adminResetKey(email);
  }
  process.stderr.write("usage: main.js [admin reset-key <email>]; configuration comes from the environment\n");
  return 2;
}

async function serve(): Promise<number> {
  const config = readConfig(process.env);
  const logger = createLogger(config.logLevel);
  const server = await startServer(config, logger);
  process.stderr.write(`Nexus serves on ${server.url}\n`);
  return new Promise((resolve) => {
    let signals = 0;
    const stop = () => {
      if (++signals > 1) process.exit(130);
      setTimeout(() => process.exit(1), STOP_BOUND_MS).unref();
      server.stop().then(
        () => resolve(Number(process.exitCode ?? 0)),
        (error: unknown) => {
          logger.error({ err: error }, "could not stop cleanly");
          resolve(1);
        },
      );
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
    server.lost.then((cause) => {
      logger.fatal({ err: cause }, "a store is lost; the server ends");
      process.exitCode = 1;
      stop();
    });
  });
}

async function adminResetKey(email: string): Promise<number> {
  const config = readConfig(process.env);
  const { database, close } = await openDatabase(config.stores, createLogger("silent"));
  try {
    const { keys } = keyMaker(config);
    const { engineer, apiKey, revokedKeys } = await resetKey({ database, clock: systemClock, keys }, email);
    process.stderr.write(
      `${engineer.email}: ${revokedKeys} key(s) revoked, effective within a minute. The new key, shown this once:\n`,
    );
    process.stdout.write(`${apiKey}\n`);
    return 0;
  } finally {
    await close();
  }
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const expected = error instanceof ConfigError || (error instanceof Error && error.name !== "Error");
    const text = error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : String(error);
    process.stderr.write(`nexus: ${text}\n`);
    process.exit(1);
  },
);
