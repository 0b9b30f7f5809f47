import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { NexusCommand } from "../../command.ts";
import { serverProgram } from "../../config/server-program.ts";

/** Has the server's program make a new key: it needs the server's stores, not its API. */
export class AdminResetKeyCommand extends NexusCommand {
  static override paths = [["admin", "reset-key"]];
  static override usage = Command.Usage({
    description: "make a new key for an engineer who lost theirs, on the server's own machine",
    details:
      "Needs the server's configuration (DATABASE_URL, API_KEY_SALT, or NEXUS_DATA_DIR). An embedded server has to be stopped meanwhile: only one program may use its data folder.",
    examples: [["Make a new key", "$0 admin reset-key ana@example.com"]],
  });

  email = Option.String({ required: true, name: "email" });

  async run() {
    const program = serverProgram(this.context.programFolder);
    if (!existsSync(program)) {
      throw new CliError("SERVER_PROGRAM_FAILED", `the server is not built: there is no ${program}`, "make build");
    }
    const { exitCode, stdout, stderr } = await runProgram([program, "admin", "reset-key", this.email]);
    if (exitCode !== 0) {
      throw new CliError(
        "SERVER_PROGRAM_FAILED",
        stderr.trim().replace(/^nexus: /, "") || "the server's program failed",
      );
    }
    const apiKey = stdout.trim();
    if (!this.json) this.context.stderr.write(stderr);
    this.context.stdout.write(this.json ? `${JSON.stringify({ apiKey })}\n` : `${apiKey}\n`);
  }
}

async function runProgram(args: readonly string[]) {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      output[name] += text;
    });
  }
  const exitCode = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { exitCode, ...output };
}
