import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { KeeperWord } from "../session/session-store.ts";
import { cleanLine } from "./clean-text.ts";
import { relativeTime } from "./relative-time.ts";

/** What the keeper has to say, on one line of stderr: a JSON object for programs. Ends with a line break. */
export function formatWord(word: KeeperWord, json: boolean, now: Date): string {
  const message = describe(word, now);
  return json ? `${JSON.stringify({ notice: { ...word, message } })}\n` : `nexus: ${cleanLine(message)}\n`;
}

function describe(word: KeeperWord, now: Date): string {
  const ago = (time: string) => relativeTime(timestampFromDate(new Date(time)), now);
  switch (word.kind) {
    case "taken-up":
      return `the session's lease ran out ${ago(word.lostTime)} (${word.lostTime}), and ${word.slug} was picked again ${ago(word.takenTime)}, under a new token: others may have changed its files in between, so bring the working tree up to date before going on`;
    case "adopted":
      return `an earlier pick of ${word.slug}, whose answer got lost, had been granted: the session holds it`;
    case "lost":
      return `${word.slug} was lost ${ago(word.lostTime)} (${word.lostTime}), because ${word.why}; stop working on it`;
    case "not-kept":
      return `nothing renews this session: ${word.why}`;
  }
}
