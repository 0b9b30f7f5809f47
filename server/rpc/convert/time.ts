import {
  type Duration,
  durationFromMs,
  durationMs,
  type Timestamp,
  timestampDate,
  timestampFromDate,
} from "@bufbuild/protobuf/wkt";
import type { FieldParser } from "../../domain/field-parser.ts";

/** A time, or nothing. */
export function timeToProto(time: Date | undefined): Timestamp | undefined {
  return time === undefined ? undefined : timestampFromDate(time);
}

/** A point in time, or nothing. */
export function timeFromProto(fields: FieldParser, field: string, time: Timestamp | undefined): Date | undefined {
  if (time === undefined) return undefined;
  const date = timestampDate(time);
  if (isInRange(date)) return date;
  fields.reject(field, "is out of range; from year 1 to year 9999");
  return undefined;
}

/** Whether it is a time of the years 1 to 9999, which is what can be kept and told. */
function isInRange(date: Date): boolean {
  const year = date.getUTCFullYear();
  return year >= 1 && year <= 9_999;
}

/** A span in milliseconds. */
export function spanToProto(ms: number): Duration {
  return durationFromMs(ms);
}

/** A span in milliseconds, or nothing. */
export function spanFromProto(span: Duration | undefined): number | undefined {
  return span === undefined ? undefined : durationMs(span);
}
