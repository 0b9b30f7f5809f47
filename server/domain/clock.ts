/**
 * Where the domain reads the time of day from. It stamps records for people to read; no claim is ever decided by it
 * (the claim store has a clock of its own). Only which feature PickNextFeature offers first depends on it: for how long
 * interrupted work is left alone, and since when a feature is passed over.
 */
export interface Clock {
  now(): Date;
}
