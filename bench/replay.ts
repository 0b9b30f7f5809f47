// `make replay`: agents work through the real features of a history, and a check of its own looks whether two of them
// ever held the same file. See docs/bench.md.
import { fileURLToPath } from "node:url";
import { NexusError } from "@nexus/client";
import { StoppedError, stopSignal } from "./process/stop-signal.ts";
import { HistoryError, readHistory } from "./replay/history.ts";
import { planFeatures } from "./replay/planned-feature.ts";
import { ReplayUsageError, readReplayOptions } from "./replay/replay-options.ts";
import { reportReplay } from "./replay/replay-report.ts";
import { runWithClaims, runWithoutClaims } from "./replay/run-replay.ts";

const UNREACHABLE = new Set(["SERVER_UNREACHABLE", "ANSWER_UNRECOGNISED", "DEADLINE_EXCEEDED"]);

async function main(): Promise<number> {
  const options = readReplayOptions(process.env);
  const { planned, skipped } = planFeatures(readHistory(options.file), options.msPerLine);
  const surroundings = {
    agentProgram: fileURLToPath(new URL("./replay-agent.js", import.meta.url)),
    signal: stopSignal(() => process.stderr.write("\nstopping; the project is deleted first\n")),
  };
  const run = options.claims ? runWithClaims : runWithoutClaims;
  const outcome = await run(options, planned, surroundings);
  const report = reportReplay(options, { ...outcome, skipped: [...skipped, ...outcome.skipped] });
  process.stdout.write(report.text);
  for (const failure of report.failures) process.stderr.write(`replay: ${failure}\n`);
  return report.failures.length === 0 ? 0 : 1;
}

function exitCodeOf(error: unknown): number {
  if (error instanceof StoppedError) return error.exitCode;
  if (error instanceof ReplayUsageError) {
    process.stderr.write(`replay: ${error.message.replaceAll("\n", "\nreplay: ")}\n`);
    return 2;
  }
  if (error instanceof NexusError) {
    process.stderr.write(`replay: ${error.message}\n`);
    if (error.reason === "REGISTRATION_CLOSED") process.stderr.write("next: give a key of yours in NEXUS_API_KEY\n");
    if (!UNREACHABLE.has(error.reason)) return 1;
    process.stderr.write("next: start one with 'make run' in another terminal, or name another with NEXUS_URL\n");
    return 4;
  }
  const expected = error instanceof HistoryError || (error instanceof Error && error.name === "AgentFailedError");
  const text = error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`replay: ${text}\n`);
  return 1;
}

main()
  .catch(exitCodeOf)
  .then((code) => process.exit(code));
