import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { CliError } from "../cli-error.ts";
import type { NexusContext } from "../context.ts";
import { serverProgram } from "./server-program.ts";

/** What the server's program wrote when it ended well. */
export interface ProgramOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Has the server's program do what an operator asks for: it needs the server's stores, not its API.
 *
 * @param env variables beside those of the command's own environment
 * @throws CliError with what the program said when it failed
 */
export async function runServerProgram(
  context: Pick<NexusContext, "programFolder" | "env">,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ProgramOutput> {
  const program = serverProgram(context.programFolder);
  if (!existsSync(program)) {
    throw new CliError("SERVER_PROGRAM_FAILED", `the server is not built: there is no ${program}`, "make build");
  }
  const child = spawn(process.execPath, [program, ...args], {
    env: { ...context.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
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
  if (exitCode === 0) return output;
  const said = output.stderr.trim().replace(/^nexus: /, "");
  throw new CliError("SERVER_PROGRAM_FAILED", said || "the server's program failed");
}
