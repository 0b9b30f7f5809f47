import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { terminalOf } from "./output/terminal.ts";
import { run } from "./run.ts";

for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough (`nexus … | head`) is no failure of ours.
    if (error.code === "EPIPE") process.exit();
    if (stream === process.stdout) process.stderr.write(`nexus: the output can't be written: ${error.message}\n`);
    process.exit(1);
  });
}

/** Also for a folder that was removed meanwhile, so that what needs it can say so. */
function currentFolder(): string {
  try {
    return process.cwd();
  } catch {
    return process.env["PWD"] || ".";
  }
}

void run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  colorDepth: terminalOf(process.stdout, process.env).color ? 4 : 1,
  cwd: currentFolder(),
  platform: process.platform,
  programFolder: dirname(fileURLToPath(import.meta.url)),
  now: () => new Date(),
  onInterrupt(listener) {
    const signals = ["SIGINT", "SIGTERM"] as const;
    for (const signal of signals) process.on(signal, listener);
    return () => {
      for (const signal of signals) process.off(signal, listener);
    };
  },
}).then((exitCode) => {
  // Undefined: a server runs in this process now, and says itself how it ends.
  if (exitCode !== undefined) process.exitCode = exitCode;
});
