import { backup, move, restore } from "./admin/backup.ts";
import { diagnose } from "./admin/doctor.ts";
import { resetKeyOf } from "./admin/reset-key.ts";
import { ConfigError, readConfig } from "./config.ts";
import { createLogger, type Logger } from "./logger.ts";
import { type NexusServer, startServer } from "./server.ts";

/** Ends the process when a clean stop takes longer than this, beside the time that it goes on answering. */
const STOP_BOUND_MS = 30_000;

/** What an operator may ask of the program; the environment says of which server. */
const ADMIN: Readonly<Record<string, { readonly usage: string; readonly run: (args: string[]) => Promise<number> }>> = {
  "reset-key": { usage: "reset-key <email>", run: ([email = ""]) => resetKeyOf(email) },
  doctor: { usage: "doctor", run: () => printDiagnosis() },
  backup: { usage: "backup <file>", run: ([file = ""]) => printRows(backup(process.env, file)) },
  restore: { usage: "restore <file>", run: ([file = ""]) => printRows(restore(process.env, file)) },
  move: { usage: "move", run: () => printRows(move(process.env)) },
};

/** `main.js`: serves until SIGTERM or SIGINT. `main.js admin …`: what an operator asks for. */
async function main(args: readonly string[]): Promise<number> {
  if (args.length === 0) return serve();
  const [word, name = "", ...rest] = args;
  const command = word === "admin" ? ADMIN[name] : undefined;
  if (command !== undefined && rest.length === command.usage.split(" ").length - 1) return command.run(rest);
  const usages = Object.values(ADMIN).map(({ usage }) => `admin ${usage}`);
  process.stderr.write(`usage: main.js [${usages.join(" | ")}]; configuration comes from the environment\n`);
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

/** `admin doctor`: a JSON array of what was found, for `nexus doctor` to print. */
async function printDiagnosis(): Promise<number> {
  process.stdout.write(`${JSON.stringify(await diagnose(process.env))}\n`);
  return 0;
}

/** The others: a JSON object with what was written, rows by table. */
async function printRows(work: Promise<ReadonlyMap<string, number>>): Promise<number> {
  process.stdout.write(`${JSON.stringify({ rows: Object.fromEntries(await work) })}\n`);
  return 0;
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
