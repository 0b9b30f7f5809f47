import { type Session, SessionState } from "@nexus/gen/nexus/v1/session_pb";
import { enumWord } from "./enum-words.ts";
import { formatFields } from "./fields.ts";
import { relativeTime } from "./relative-time.ts";
import type { Terminal } from "./terminal.ts";

/** How a command has found a session, and how that is kept alive between commands; empty where nobody asked. */
export interface SessionFinding {
  readonly foundBy?: string;
  readonly kept?: string;
}

/** A session with everything in it. */
export function formatSession(
  session: Session,
  { foundBy = "", kept = "" }: SessionFinding,
  terminal: Terminal,
  now: Date,
): string {
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
      ["kept", kept],
      [session.state === SessionState.OPEN ? "expires" : "ended", relativeTime(session.expireTime, now)],
    ],
    terminal,
  );
}
