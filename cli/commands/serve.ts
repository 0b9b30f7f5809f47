import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { Command, Option } from "clipanion";
import { CliError } from "../cli-error.ts";
import { NexusCommand } from "../command.ts";
import { serverProgram } from "../config/server-program.ts";

/** What argon2's binary is made for. On a Node with less it does not refuse: it crashes. */
const ARGON2_NAPI = 10;

/** Runs the server in this process, so that its signals, its exit code and its end are the command's own. */
export class ServeCommand extends NexusCommand {
  static override paths = [["serve"]];
  static override usage = Command.Usage({
    description: "run a server on this machine",
    details:
      "Without DATABASE_URL and REDIS_URL it keeps everything in the data folder and needs nothing installed. The other settings are environment variables; .env.example lists them.",
    examples: [
      ["Serve on 127.0.0.1:3000, data in the usual folder", "$0 serve"],
      ["Serve elsewhere", "$0 serve --port 4000 --data-dir /tmp/nexus-trial"],
    ],
  });

  port = Option.String("--port", { description: "The port to listen on; else PORT, else 3000" });
  host = Option.String("--host", { description: "The address to listen on; else HOST, else 127.0.0.1" });
  dataDir = Option.String("--data-dir", { description: "Where embedded data is kept; else NEXUS_DATA_DIR" });

  override async execute(): Promise<undefined> {
    await this.run();
    return undefined;
  }

  async run() {
    if (Number(process.versions["napi"]) < ARGON2_NAPI) {
      const why = `'nexus serve' needs Node.js 22.14 or newer; this is ${process.versions.node}`;
      throw new CliError("SERVER_PROGRAM_FAILED", why, "update Node.js; every other command runs on this one");
    }
    const program = serverProgram(this.context.programFolder);
    if (!existsSync(program)) {
      throw new CliError("SERVER_PROGRAM_FAILED", `the server is not built: there is no ${program}`, "make build");
    }
    const settings = { PORT: this.port, HOST: this.host, NEXUS_DATA_DIR: this.dataDir };
    for (const [name, value] of Object.entries(settings)) {
      if (value !== undefined) process.env[name] = value;
    }
    process.argv = [process.execPath, program];
    try {
      await import(pathToFileURL(program).href);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
      const why = `a package that only the server needs is not installed: ${(cause as Error).message}`;
      throw new CliError("SERVER_PROGRAM_FAILED", why, "npm install -g --include=optional <tarball>", { cause });
    }
  }
}
