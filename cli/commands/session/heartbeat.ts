import { HeartbeatSessionResponseSchema } from "@nexus/gen/nexus/v1/session_service_pb";
import { Command } from "clipanion";
import { cleanLine } from "../../output/clean-text.ts";
import { relativeTime } from "../../output/relative-time.ts";
import { SessionCommand } from "../../session-command.ts";

/** Renews the session's lease. */
export class SessionHeartbeatCommand extends SessionCommand {
  static override paths = [["session", "heartbeat"]];
  static override usage = Command.Usage({
    description: "give a sign of life, so that the session keeps what it holds",
    details:
      "Every command that acts for the session does the same, and while a feature is held a keeper does it between commands. Needed for sessions that are named with --session, and with NEXUS_KEEPER=off.",
    examples: [["Keep what you hold", "$0 session heartbeat"]],
  });

  async run() {
    const projectId = await this.workspace.projectId();
    const stored = await this.currentSession.stored();
    const fencingTokens = stored?.held === undefined ? [] : [BigInt(stored.held.fencingToken)];
    const answer = await this.currentSession.use((sessionId) =>
      this.workspace.client.sessions.heartbeatSession({ projectId, sessionId, fencingTokens }),
    );
    if (answer.lost.length > 0) {
      this.note(`${cleanLine(answer.lost[0]?.featureSlug ?? "")} is not held any more; stop working on it`);
    }
    const { session, claims } = answer;
    const held = claims.flatMap(({ touches }) => touches.map(({ path }) => cleanLine(path)));
    this.print(HeartbeatSessionResponseSchema, answer, () => {
      const work = session?.featureSlug ? `works on ${cleanLine(session.featureSlug)}` : "holds nothing";
      const files = held.length === 0 ? "" : ` and holds ${held.join("  ")}`;
      return `the session ${work}${files}; it expires ${relativeTime(session?.expireTime, this.context.now())} unless renewed\n`;
    });
  }
}
