import { type Duration, durationFromMs, durationMs, type Timestamp, timestampFromDate } from "@bufbuild/protobuf/wkt";

/** A time, or nothing. */
export function timeToProto(time: Date | undefined): Timestamp | undefined {
  return time === undefined ? undefined : timestampFromDate(time);
}

/** A span in milliseconds. */
export function spanToProto(ms: number): Duration {
  return durationFromMs(ms);
}

/** A span in milliseconds, or nothing. */
export function spanFromProto(span: Duration | undefined): number | undefined {
  return span === undefined ? undefined : durationMs(span);
}
