// `make bench-rebuild`: how long a project with many claims takes to be back after FLUSHALL. See docs/reliability.md.
import { RebuildBench } from "./rebuild/rebuild-bench.ts";

const CLAIMS = Number(process.env["CLAIMS"] ?? 100_000);
/** What the mission allows for a hundred thousand claims. */
const MOST_SECONDS = 30;

async function main(): Promise<number> {
  await using bench = await RebuildBench.start(CLAIMS);
  process.stdout.write(`${CLAIMS} claims of ${bench.sessions.length} sessions, one server process\n`);
  for (const what of ["first use", "FLUSHALL", "FLUSHALL again"]) {
    if (what !== "first use") await bench.flush();
    const { seconds, recovering, kept } = await bench.untilServed();
    process.stdout.write(
      `${what}: served again after ${seconds.toFixed(1)} s; ${recovering} calls meanwhile were answered ` +
        `CLAIMS_RECOVERING; ${kept} of ${bench.watched.length} sessions looked at kept what they held\n`,
    );
    if (kept < bench.watched.length) throw new Error("a live session has lost what it held");
    if (seconds > MOST_SECONDS) throw new Error(`${what} took longer than ${MOST_SECONDS} s`);
  }
  return 0;
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`bench-rebuild: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
