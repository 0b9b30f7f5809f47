import { Option } from "clipanion";
import { CliError } from "./cli-error.ts";
import { cleanLine } from "./output/clean-text.ts";
import { SessionCommand } from "./session-command.ts";

/** The feature that a command is about, and the proof that the session holds it. */
export interface HeldTarget {
  readonly projectId: string;
  readonly sessionId: string;
  readonly slug: string;
  readonly fencingToken: bigint;
}

/** A command about the feature that the session holds. */
export abstract class HeldFeatureCommand extends SessionCommand {
  fencingToken = Option.String("--fencing-token", {
    description: "The token of the feature's pick; else the one that was kept at the pick",
  });

  /**
   * The named feature, or else the one that was picked here.
   *
   * @throws CliError NOTHING_PICKED when nothing was, or its token was not kept here
   */
  protected async heldTarget(named: string | undefined): Promise<HeldTarget> {
    const projectId = await this.workspace.projectId();
    const sessionId = await this.currentSession.knownId();
    const held = await this.currentSession.held();
    const slug = named ?? held?.slug;
    if (sessionId === undefined || slug === undefined) {
      const why = `this session (found by ${this.currentSession.foundBy}) holds nothing that was picked from here`;
      throw new CliError("NOTHING_PICKED", why, "nexus feature pick <feature>");
    }
    const token = this.fencingToken ?? (held?.slug === slug ? held.fencingToken : undefined);
    if (token === undefined) {
      const why = `this session holds ${held === undefined ? "nothing" : held.slug} that was picked from here, not ${slug}`;
      throw new CliError(
        "NOTHING_PICKED",
        why,
        `nexus pick ${cleanLine(slug)}   (or name the token with --fencing-token)`,
      );
    }
    return { projectId, sessionId, slug, fencingToken: parseToken(token) };
  }
}

/**
 * A fencing token as it is written in JSON.
 *
 * @throws CliError when it is no unsigned 64-bit number
 */
export function parseToken(text: string): bigint {
  if (!/^\d{1,20}$/.test(text) || BigInt(text) > 0xffff_ffff_ffff_ffffn) {
    throw new CliError("USAGE_INVALID", `--fencing-token is a number, not ${JSON.stringify(text)}`);
  }
  return BigInt(text);
}
