import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";

const UNITS: readonly (readonly [seconds: number, name: string])[] = [
  [86_400, "d"],
  [3_600, "h"],
  [60, "min"],
  [1, "s"],
];

/** "3 min ago", "in 4 min", "now"; empty for no time. The largest unit only, rounded. */
export function relativeTime(time: Timestamp | undefined, now: Date): string {
  if (time === undefined) return "";
  const seconds = Math.round((timestampDate(time).getTime() - now.getTime()) / 1_000);
  const unit = UNITS.find(([size]) => Math.abs(seconds) >= size);
  if (unit === undefined) return "now";
  const [size, name] = unit;
  const span = `${Math.round(Math.abs(seconds) / size)} ${name}`;
  return seconds < 0 ? `${span} ago` : `in ${span}`;
}
