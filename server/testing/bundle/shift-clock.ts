/**
 * Shifts this process's time of day by NEXUS_TEST_CLOCK_OFFSET_MS, for everything that is imported after it. Timers and
 * the monotonic clock are left alone.
 */
const offsetMs = Number(process.env["NEXUS_TEST_CLOCK_OFFSET_MS"] ?? 0);
const RealDate = Date;

if (offsetMs !== 0) {
  const now = () => RealDate.now() + offsetMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new RealDate(now()).toString(),
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
  });
}
