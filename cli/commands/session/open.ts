import { create } from "@bufbuild/protobuf";
import { OpenSessionResponseSchema } from "@nexus/gen/nexus/v1/session_service_pb";
import { Command, Option } from "clipanion";
import { formatSession } from "../../output/describe-session.ts";
import { ProjectCommand } from "../../project-command.ts";
import { CurrentSession } from "../../session/current-session.ts";

/** Opens a session, or answers the open one of the same agent. */
export class SessionOpenCommand extends ProjectCommand {
  static override paths = [["session", "open"]];
  static override usage = Command.Usage({
    description: "open a session for an agent",
    details:
      "Seldom needed: commands open the agent's or the terminal's own session when they first need it. With the same id it answers the same session as long as that lives.",
    examples: [
      [
        "One for a script of your own",
        "S=$($0 session open --client-session-id run-7 --agent bot --json | jq -r .session.id)",
      ],
    ],
  });

  clientSessionId = Option.String("--client-session-id", {
    description: "The agent's own name for it; else this worker's",
  });
  agent = Option.String("--agent", { description: "Which agent: claude, codex, …" });

  async run() {
    const current = new CurrentSession(this.context, this.workspace, undefined);
    const answer =
      this.clientSessionId === undefined && this.agent === undefined
        ? create(OpenSessionResponseSchema, { session: await current.open() })
        : await this.workspace.client.sessions.openSession({
            projectId: await this.workspace.projectId(),
            clientSessionId: this.clientSessionId ?? "",
            agent: this.agent ?? "",
            ...current.surroundings(),
          });
    const { session } = answer;
    this.print(
      OpenSessionResponseSchema,
      answer,
      () => (session === undefined ? "" : formatSession(session, {}, this.terminal, this.context.now())),
      { names: [session?.id ?? ""] },
    );
  }
}
