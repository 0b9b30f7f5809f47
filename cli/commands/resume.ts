import { GetLatestCheckpointResponseSchema } from "@nexus/gen/nexus/v1/session_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../cli-error.ts";
import { formatCheckpoint } from "../output/describe-knowledge.ts";
import { formatNextStep } from "../output/next-step.ts";
import { SessionCommand } from "../session-command.ts";

/** Shows how far work had come. */
export class ResumeCommand extends SessionCommand {
  static override paths = [["resume"]];
  static override usage = Command.Usage({
    description: "show the latest checkpoint, and what the feature needs next",
    details:
      "Of the named feature; else of the feature that was picked here; else of this session. Whoever saved it. Changes nothing.",
    examples: [
      ["Where was I?", "$0 resume"],
      ["Where was whoever worked on that?", "$0 resume login"],
    ],
  });

  slug = Option.String({ required: false, name: "feature" });

  async run() {
    const projectId = await this.workspace.projectId();
    const slug = this.slug ?? (await this.currentSession.held())?.slug ?? "";
    const sessionId = slug === "" ? await this.currentSession.knownId() : "";
    if (sessionId === undefined) {
      const why = "nothing was picked from here, and there is no session yet";
      throw new CliError("NOTHING_PICKED", why, "nexus resume <feature>");
    }
    const { sessions, features } = this.workspace.client;
    const answer = await sessions.getLatestCheckpoint({ projectId, slug, sessionId });
    const { checkpoint } = answer;
    const about = checkpoint?.featureSlug ?? "";
    const isTold = about !== "" && !this.json && !this.quiet;
    const { feature } = isTold ? await features.getFeature({ projectId, slug: about }) : {};
    const own = await this.currentSession.knownId();
    const view = { terminal: this.terminal, now: this.context.now() };
    this.print(
      GetLatestCheckpointResponseSchema,
      answer,
      () =>
        [
          checkpoint === undefined ? "" : formatCheckpoint(checkpoint, view),
          feature === undefined ? "" : `\n${formatNextStep(feature, own, view)}`,
        ].join(""),
      { names: [checkpoint?.id ?? ""] },
    );
  }
}
