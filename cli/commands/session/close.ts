import { CloseSessionResponseSchema } from "@nexus/gen/nexus/v1/session_service_pb";
import { Command, Option } from "clipanion";
import { CliError } from "../../cli-error.ts";
import { SessionCommand } from "../../session-command.ts";

/** Ends a session. */
export class SessionCloseCommand extends SessionCommand {
  static override paths = [["session", "close"]];
  static override usage = Command.Usage({
    description: "end a session; what it holds is free at once",
    examples: [
      ["End your session", "$0 session close"],
      ["Its agent has died", "$0 session close --session $S --crashed"],
    ],
  });

  crashed = Option.Boolean("--crashed", false, { description: "Its process is dead: its work broke off" });

  async run() {
    const projectId = await this.workspace.projectId();
    const sessionId = await this.currentSession.knownId();
    if (sessionId === undefined) {
      const why = `no session is open here (looked for by ${this.currentSession.foundBy})`;
      throw new CliError("NOTHING_PICKED", why, "nexus session list");
    }
    const { crashed } = this;
    const answer = await this.workspace.client.sessions.closeSession({ projectId, sessionId, crashed });
    await this.currentSession.forgetOwn(sessionId);
    this.print(CloseSessionResponseSchema, answer, () => `session ${sessionId} is closed\n`);
  }
}
