import { constants } from "node:os";

/** A signal has ended what would have gone on: no failure, nothing is printed. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor(readonly signal: NodeJS.Signals) {
    super(`ended by ${signal}`);
  }

  /** As a shell counts it: 130 for Ctrl-C, 143 for SIGTERM. */
  get exitCode(): number {
    return 128 + constants.signals[this.signal];
  }
}
