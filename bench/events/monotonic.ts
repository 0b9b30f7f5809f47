/** Milliseconds of the system's monotonic clock, which all processes of one host share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
