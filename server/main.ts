import { ConfigError, readConfig } from "./config.ts";
import { resetKey } from "./domain/auth/reset-key.ts";
import { createLogger, type Logger } from "./logger.ts";
import { type NexusServer, startServer } from "./server.ts";
import { keyMaker, openDatabase, systemClock } from "./wiring.ts";

/** Ends the process when a clean stop takes longer than this, beside the time that it goes on answering. */
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
  // A terminal that is closed sends SIGHUP, too: then nobody can look after the server any more.
  const ofTerminal = process.stdin.isTTY === true;
  return new Promise((resolve) => {
    let signals = 0;
    const stop = () => {
      if (++signals > 1) process.exit(130);
      setTimeout(() => process.exit(1), config.drainMs + STOP_BOUND_MS).unref();
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
    process.on("SIGHUP", () => (ofTerminal ? stop() : reloadTls(server, logger)));
    server.lost.then((cause) => {
      logger.fatal({ err: cause }, "a store is lost; the server ends");
      process.exitCode = 1;
      stop();
    });
    // Last, so that whoever reads it can rely on what signals do.
    process.stderr.write(`Nexus serves on ${server.url}\n`);
  });
}

/** SIGHUP: what was renewed is served from now on; what can't be served is told, and changes nothing. */
function reloadTls(server: NexusServer, logger: Logger): void {
  try {
    const pair = server.reloadTls();
    if (pair === undefined) logger.info("SIGHUP: there is no certificate to reload; NEXUS_TLS_CERT is not set");
    else logger.info({ expires: pair.expireTime }, "the certificate was reloaded");
  } catch (error) {
    logger.error({ err: error }, "the certificate could not be reloaded; the one from before stays in use");
  }
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
