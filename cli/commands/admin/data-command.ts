import { runServerProgram } from "../../config/run-server-program.ts";
import type { NexusContext } from "../../context.ts";

/** What a command that copies everything has copied: in words, and as the server's program says it. */
export async function runDataCommand(context: NexusContext, args: readonly string[]) {
  const { stdout } = await runServerProgram(context, ["admin", ...args]);
  const { rows } = JSON.parse(stdout) as { rows: Record<string, number> };
  const count = (table: string, one: string) => `${rows[table] ?? 0} ${one}${rows[table] === 1 ? "" : "s"}`;
  const text = [count("projects", "project"), count("features", "feature"), count("engineers", "engineer")].join(", ");
  return { text, json: stdout };
}
