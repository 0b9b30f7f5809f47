import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { terminalOf } from "./output/terminal.ts";
import { run } from "./run.ts";

// A reader that has seen enough (`nexus … | head`) is no failure of ours.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit();
  });
}

void run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  env: process.env,
  colorDepth: terminalOf(process.stdout, process.env).color ? 4 : 1,
  cwd: process.cwd(),
  platform: process.platform,
  programFolder: dirname(fileURLToPath(import.meta.url)),
  now: () => new Date(),
}).then((exitCode) => {
  // Undefined: a server runs in this process now, and says itself how it ends.
  if (exitCode !== undefined) process.exitCode = exitCode;
});
