import { CliError } from "../cli-error.ts";

/** A generated enum: names to numbers and back. */
type GeneratedEnum = Readonly<Record<string, string | number>>;

/** The word that people read and type for an enum value: `ready` for FEATURE_STATUS_READY. */
export function enumWord(type: GeneratedEnum, value: number): string {
  return String(type[value] ?? value).toLowerCase();
}

/**
 * The value of a word, whatever its case.
 *
 * @throws CliError naming the words that there are
 */
export function parseEnumWord<Value extends number>(type: GeneratedEnum, word: string, option: string): Value {
  const words = Object.keys(type).filter((name) => Number.isNaN(Number(name)) && name !== "UNSPECIFIED");
  const name = words.find((candidate) => candidate === word.toUpperCase().replaceAll("-", "_"));
  if (name === undefined) {
    const choice = words.map((candidate) => candidate.toLowerCase()).join(", ");
    throw new CliError("USAGE_INVALID", `${option} is one of ${choice}, not ${JSON.stringify(word)}`);
  }
  return type[name] as Value;
}
