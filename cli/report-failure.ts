import { NexusError } from "@nexus/client";
import { CliError } from "./cli-error.ts";
import type { NexusContext } from "./context.ts";
import { ExitCode, exitCodeOf } from "./exit-codes.ts";
import { cleanBlock, jsonLine } from "./output/clean-text.ts";
import { describeError, type FailureContext } from "./output/describe-error.ts";
import { nameSession, nameSessionInCommands } from "./output/name-session.ts";
import { createStyle } from "./output/style.ts";
import { terminalOf } from "./output/terminal.ts";

/**
 * Prints a failure on stderr, for programs as JSON on one line, and answers the exit code that it stands for.
 */
export function reportFailure(
  error: unknown,
  json: boolean,
  context: NexusContext,
  failed: FailureContext = {},
): ExitCode {
  const failure = error instanceof NexusError || error instanceof CliError ? error : undefined;
  if (json) {
    const shown = failure ?? new NexusError({ code: "unknown", reason: "INTERNAL", message: unexpected(error) });
    const { error: told } = shown.toJson();
    const kept = failed.kept === undefined ? {} : { draft: failed.kept.path };
    const message = nameSessionInCommands(told.message, failed.session);
    context.stderr.write(jsonLine({ error: { ...told, message, ...kept } }));
  } else {
    const terminal = terminalOf(context.stderr, context.env);
    const { red } = createStyle(terminal.color);
    const text =
      failure instanceof NexusError
        ? describeError(failure, { terminal, now: context.now(), ...failed })
        : `${cleanBlock(failure?.message ?? unexpected(error))}\n${failure?.next ? `next: ${failure.next}\n` : ""}`;
    const kept =
      failed.kept === undefined ? "" : `what you wrote is kept: ${failed.kept.command} ${failed.kept.path}\n`;
    context.stderr.write(nameSession(`${red("nexus:")} ${text}${kept}`, failed.session));
  }
  if (failure instanceof CliError) return failure.exitCode;
  return failure === undefined ? ExitCode.Failure : exitCodeOf(failure.reason);
}

function unexpected(error: unknown): string {
  return `an unexpected failure of the command line: ${error instanceof Error ? error.message : String(error)}`;
}
