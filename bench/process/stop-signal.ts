/** Exit codes of the signals that ask a process to end, as shells have them. */
const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** This process was asked to end. */
export class StoppedError extends Error {
  constructor(readonly exitCode: number) {
    super("stopped from outside");
    this.name = "StoppedError";
  }
}

/**
 * Is aborted, with a StoppedError, by the first signal that asks this process to end, so that what it started can be
 * put away. The second signal ends it at once.
 */
export function stopSignal(onStop: () => void): AbortSignal {
  const stop = new AbortController();
  for (const [name, exitCode] of Object.entries(SIGNALS)) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(exitCode);
      onStop();
      stop.abort(new StoppedError(exitCode));
    });
  }
  return stop.signal;
}
