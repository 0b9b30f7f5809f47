/** Commands that act for a session and take `--session`. */
const TAKING =
  /\bnexus (?:pick|done|next|save|resume|learn|decision|feature (?:pick|done|next|release|cancel)|claim (?:mine|extend|release|check)|session (?:heartbeat|show|close))(?=[\s)]|$)/g;

/**
 * The text, whose commands in lines that say what comes next name the session as the command before did: without it
 * they would act for the worker's own.
 *
 * @param sessionId as given with `--session`; undefined where it was not
 */
export function nameSession(text: string, sessionId: string | undefined): string {
  if (sessionId === undefined) return text;
  return text
    .split("\n")
    .map((line) => (line.includes("next") ? nameSessionInCommands(line, sessionId) : line))
    .join("\n");
}

/** The same for a text that is one sentence: every command in it that takes `--session`. */
export function nameSessionInCommands(text: string, sessionId: string | undefined): string {
  return sessionId === undefined ? text : text.replace(TAKING, `$& --session ${sessionId}`);
}
