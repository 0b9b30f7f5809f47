/**
 * Where the domain reads the time of day from. It stamps records for people to read; no claim is ever decided by it
 * (the claim store has a clock of its own), so a wrong one changes no decision.
 */
export interface Clock {
  now(): Date;
}
