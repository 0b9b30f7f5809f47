// One agent of a replay, a process of its own. It speaks with `replay.ts` over its IPC channel and ends with it.
import { holdFeature } from "./replay/hold-feature.ts";
import type { FromAgent, ToAgent } from "./replay/messages.ts";
import { type PreparedAgent, prepareAgent } from "./replay/work-through.ts";

let number = 0;
let prepared: PreparedAgent | undefined;

// Ctrl-C reaches every process of the terminal; when to end is the parent's to say.
process.on("SIGINT", () => {});
process.on("disconnect", () => process.exit());

process.on("message", (message: ToAgent) => {
  take(message).catch((error: unknown) => {
    tell({ kind: "failed", message: error instanceof Error ? error.message : String(error) });
  });
});

async function take(message: ToAgent): Promise<void> {
  switch (message.kind) {
    case "prepare":
      number = message.agent;
      if (message.work !== undefined) prepared = await prepareAgent(number, message.work, tell);
      return tell({ kind: "prepared" });
    case "begin":
      if (prepared === undefined) return tell({ kind: "next" });
      await prepared.work();
      prepared.close();
      return tell({ kind: "finished" });
    case "hand-out": {
      if (message.slug === undefined) return tell({ kind: "finished" });
      tell({ kind: "picked", latencyMs: 0 });
      tell({ kind: "done", hold: await holdFeature(message.slug, number, message.holdMs) });
      return tell({ kind: "next" });
    }
  }
}

function tell(message: FromAgent): void {
  process.send?.(message);
}
