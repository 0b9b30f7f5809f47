import { type Duration, durationFromMs, durationMs } from "@bufbuild/protobuf/wkt";
import { CliError } from "../cli-error.ts";

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/**
 * A span as people type it: `90s`, `10m`, `1.5h`, `30d`; a bare number is seconds.
 *
 * @throws CliError when it is none
 */
export function parseSpan(text: string, option: string): Duration {
  const [, amount, unit = "s"] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d)?$/.exec(text) ?? [];
  if (amount === undefined) {
    throw new CliError("USAGE_INVALID", `${option} is a span such as 90s, 10m or 2h, not ${JSON.stringify(text)}`);
  }
  return durationFromMs(Math.round(Number(amount) * (UNIT_MS[unit] ?? 1)));
}

/** A span in its largest whole unit: `5m`, `90s`. */
export function formatSpan(span: Duration | undefined): string {
  if (span === undefined) return "";
  const ms = durationMs(span);
  if (ms === 0) return "0s";
  for (const unit of ["h", "m", "s"]) {
    const size = UNIT_MS[unit] ?? 1;
    if (ms % size === 0) return `${ms / size}${unit}`;
  }
  return `${ms}ms`;
}
