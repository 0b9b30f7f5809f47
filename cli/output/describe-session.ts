import { type Session, SessionState } from "@nexus/gen/nexus/v1/session_pb";
import { enumWord } from "./enum-words.ts";
import { formatFields } from "./fields.ts";
import { relativeTime } from "./relative-time.ts";
import type { Terminal } from "./terminal.ts";

/** A session with everything in it. `foundBy` says how it was found; empty where nobody asked. */
export function formatSession(session: Session, foundBy: string, terminal: Terminal, now: Date): string {
  return formatFields(
    [
      ["session", session.id],
      ["found by", foundBy],
      ["state", enumWord(SessionState, session.state)],
      ["works on", session.featureSlug],
      ["agent", session.agent],
      ["agent's id", session.clientSessionId],
      ["host", session.host],
      ["worktree", session.worktree],
      ["branch", session.branch],
      ["opened", relativeTime(session.openTime, now)],
      ["last sign", relativeTime(session.lastHeartbeatTime, now)],
      [session.state === SessionState.OPEN ? "expires" : "ended", relativeTime(session.expireTime, now)],
    ],
    terminal,
  );
}
