import type { ClaimMode } from "./claim-store.ts";

/** A path or pattern that a feature touches, in normal form. */
export interface Touch {
  readonly path: string;
  readonly mode: ClaimMode;
}
