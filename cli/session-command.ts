import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import { Option } from "clipanion";
import type { NexusCommand } from "./command.ts";
import type { FailureContext } from "./output/describe-error.ts";
import { formatWord } from "./output/describe-word.ts";
import { nameSession } from "./output/name-session.ts";
import { ProjectCommand } from "./project-command.ts";
import { CurrentSession } from "./session/current-session.ts";
import type { KeeperWord } from "./session/session-store.ts";

/** A command that acts for a session. */
export abstract class SessionCommand extends ProjectCommand {
  session = Option.String("--session", {
    description: "The session's id; else NEXUS_SESSION, the agent's own session, or this terminal's",
  });

  #current: CurrentSession | undefined;

  override failureContext(): FailureContext {
    return { ...super.failureContext(), ...(this.session === undefined ? {} : { session: this.session }) };
  }

  /** The session that the command acts for; nothing is opened before it is needed. */
  protected get currentSession(): CurrentSession {
    const tell = (word: KeeperWord) => this.context.stderr.write(formatWord(word, this.json, this.context.now()));
    this.#current ??= new CurrentSession(this.context, this.workspace, this.session, tell);
    return this.#current;
  }

  protected override print<Desc extends DescMessage>(
    type: Desc,
    message: MessageShape<Desc>,
    human: () => string,
    printed?: Parameters<NexusCommand["print"]>[3],
  ): void {
    super.print(type, message, () => nameSession(human(), this.session), printed);
  }
}
