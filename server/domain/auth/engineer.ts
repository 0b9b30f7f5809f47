import type { EngineerId } from "../ids.ts";

/** A person. */
export interface Engineer {
  readonly id: EngineerId;
  readonly name: string;
  readonly email: string;
  readonly createTime: Date;
}

/** Keeps engineers. */
export interface EngineerStore {
  /** Adds an engineer; false when the email, whatever its case, is taken. */
  insert(engineer: Engineer): Promise<boolean>;
  get(id: EngineerId): Promise<Engineer | undefined>;
  findByEmail(email: string): Promise<Engineer | undefined>;
  /** Whether anybody has registered yet. Inside a transaction it waits for registrations under way. */
  anyRegistered(): Promise<boolean>;
}
