import { Option } from "clipanion";
import { formatWord } from "./output/describe-word.ts";
import { ProjectCommand } from "./project-command.ts";
import { CurrentSession } from "./session/current-session.ts";
import type { KeeperWord } from "./session/session-store.ts";

/** A command that acts for a session. */
export abstract class SessionCommand extends ProjectCommand {
  session = Option.String("--session", {
    description: "The session's id; else NEXUS_SESSION, the agent's own session, or this terminal's",
  });

  #current: CurrentSession | undefined;

  /** The session that the command acts for; nothing is opened before it is needed. */
  protected get currentSession(): CurrentSession {
    const tell = (word: KeeperWord) => this.context.stderr.write(formatWord(word, this.json, this.context.now()));
    this.#current ??= new CurrentSession(this.context, this.workspace, this.session, tell);
    return this.#current;
  }
}
