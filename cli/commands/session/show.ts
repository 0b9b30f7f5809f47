import { GetSessionResponseSchema } from "@nexus/gen/nexus/v1/session_service_pb";
import { Command } from "clipanion";
import { describeKept, keeperStatuses, keptBy, keptByJson } from "../../keeper/keeper-status.ts";
import { formatSession } from "../../output/describe-session.ts";
import { formatFields } from "../../output/fields.ts";
import { SessionCommand } from "../../session-command.ts";

/** Shows the session that commands here act for; opens none. */
export class SessionShowCommand extends SessionCommand {
  static override paths = [["session", "show"]];
  static override usage = Command.Usage({
    description: "show the session that commands here act for, and how it was found",
    details:
      "In this order: --session, NEXUS_SESSION, the agent's own session id from its environment, this terminal. Opens no session.",
    examples: [["Which session is mine?", "$0 session show"]],
  });

  async run() {
    const { foundBy } = this.currentSession;
    const sessionId = await this.currentSession.knownId();
    if (sessionId === undefined) {
      const { clientSessionId, agent } = this.currentSession.identity;
      const none = formatFields(
        [
          ["session", "none yet; the first command that needs one opens it"],
          ["found by", foundBy],
          ["agent", agent],
          ["agent's id", clientSessionId],
        ],
        this.terminal,
      );
      this.context.stdout.write(this.json ? `${JSON.stringify({ foundBy, clientSessionId, agent })}\n` : none);
      return;
    }
    const projectId = await this.workspace.projectId();
    const answer = await this.workspace.client.sessions.getSession({ projectId, sessionId });
    const { session } = answer;
    const keeper = keptBy(sessionId, keeperStatuses(this.context.env, this.context.platform));
    const byCommands = session?.featureSlug ? "by its commands only" : "";
    const finding = { foundBy, kept: keeper === undefined ? byCommands : describeKept(keeper) };
    this.print(
      GetSessionResponseSchema,
      answer,
      () => (session === undefined ? "" : formatSession(session, finding, this.terminal, this.context.now())),
      { more: { foundBy, keeper: keptByJson(keeper) }, names: [sessionId] },
    );
  }
}
