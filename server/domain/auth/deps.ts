import type { Clock } from "../clock.ts";
import type { Database } from "../database.ts";
import type { KeyMaker } from "./key-maker.ts";
import type { KeyVerifier } from "./key-verifier.ts";

/** Who may register: everybody, those with an invitation, or nobody. The first engineer of a server always may. */
export type Registration = "open" | "invite" | "closed";

/** What the functions of this folder work with; each takes what it needs of it. */
export interface AuthDeps {
  readonly database: Database;
  readonly clock: Clock;
  /** A UUID that nothing else has. */
  readonly newId: () => string;
  readonly keys: KeyMaker;
  readonly verifier: KeyVerifier;
  readonly registration: Registration;
}
