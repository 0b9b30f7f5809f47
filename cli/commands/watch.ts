import { once } from "node:events";
import { toJson } from "@bufbuild/protobuf";
import { durationMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { type WatchRequest, watchEvents } from "@nexus/client";
import { type Event, EventKind, EventSchema } from "@nexus/gen/nexus/v1/event_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../cli-error.ts";
import { Interrupted } from "../interrupted.ts";
import { jsonLine } from "../output/clean-text.ts";
import { describeEvent } from "../output/describe-event.ts";
import { parseEnumWord } from "../output/enum-words.ts";
import { parseSpan } from "../output/spans.ts";
import { ProjectCommand } from "../project-command.ts";

/** Prints events as they happen, until it is interrupted. */
export class WatchCommand extends ProjectCommand {
  static override paths = [["watch"]];
  static override usage = Command.Usage({
    description: "follow what happens in the project",
    details:
      "Goes on until Ctrl-C, over restarts of the server: no event is missed, none comes twice. With --json every line is one event; its sequence, given to --after, goes on there.",
    examples: [
      ["What happens from now on", "$0 watch"],
      ["The last two hours and what follows, of one feature", "$0 watch --since 2h --feature login"],
      ["For a program", "$0 watch --json --kind feature --kind claim"],
    ],
  });

  since = Option.String("--since", {
    description: "Begin so long ago (90s, 10m, 2h) or at a time (2026-01-31T09:00:00Z); else now",
  });
  after = Option.String("--after", { description: "Begin after this sequence; 0 is the beginning" });
  kind = Option.Array("--kind", {
    description: "Only feature, claim, session, checkpoint, learning, decision, roadmap, member or key; repeatable",
  });
  feature = Option.String("--feature", { description: "Only of this feature" });
  engineer = Option.String("--engineer", { description: "Only of this member, by email" });

  async run() {
    const projectId = await this.workspace.projectId();
    const request = { projectId, ...this.#asked() };
    const stop = new AbortController();
    const forget = this.context.onInterrupt((signal) => stop.abort(new Interrupted(signal)));
    try {
      const { events } = this.workspace.client;
      const onCut = ({ message }: Error, waitMs: number) =>
        this.note(`${message}; trying again in ${(waitMs / 1_000).toFixed(1)} s`);
      const options = { signal: stop.signal, timeoutMs: this.workspace.timeoutMs, onCut };
      for await (const { message } of watchEvents(events, request, options)) {
        if (message.case === "event") await this.#write(message.value);
      }
    } finally {
      forget();
    }
    stop.signal.throwIfAborted();
  }

  #asked(): Omit<WatchRequest, "projectId"> {
    const kinds = (this.kind ?? []).map((word) => parseEnumWord<EventKind>(EventKind, word, "--kind"));
    const since = this.since === undefined ? {} : { sinceTime: timestampFromDate(this.#timeOf(this.since)) };
    const filters = { kinds, featureSlug: this.feature ?? "", engineer: this.engineer ?? "", ...since };
    if (this.after === undefined) return { filters };
    if (!/^\d{1,18}$/.test(this.after)) {
      throw new CliError("USAGE_INVALID", `--after is a sequence such as 42, not ${JSON.stringify(this.after)}`);
    }
    return { filters, after: BigInt(this.after) };
  }

  #timeOf(since: string): Date {
    const time = new Date(since);
    if (/^\d{4}-\d\d-\d\d/.test(since) && !Number.isNaN(time.getTime())) return time;
    return new Date(this.context.now().getTime() - durationMs(parseSpan(since, "--since")));
  }

  async #write(event: Event): Promise<void> {
    const { stdout } = this.context;
    const json = () => jsonLine(toJson(EventSchema, event, { alwaysEmitImplicit: true }));
    // A reader that is slower than the events slows the stream down instead of filling the memory.
    if (!stdout.write(this.json ? json() : describeEvent(event, this.style))) await once(stdout, "drain");
  }
}
