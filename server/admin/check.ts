/** One thing that was looked at. */
export interface Check {
  /** What was looked at: `postgres version`. Unique within a run. */
  readonly name: string;
  /** A warning works today and may not tomorrow; a failure does not work; what is skipped could not be looked at. */
  readonly state: "ok" | "warning" | "failure" | "skipped";
  /** What was found, in a sentence. No secret. */
  readonly detail: string;
  /** What to do about it; empty where there is nothing to do. */
  readonly next: string;
}

/** It is as it should be. */
export function ok(name: string, detail: string): Check {
  return { name, state: "ok", detail, next: "" };
}

/** It works today and may not tomorrow. */
export function warning(name: string, detail: string, next: string): Check {
  return { name, state: "warning", detail, next };
}

/** It does not work. */
export function failure(name: string, detail: string, next: string): Check {
  return { name, state: "failure", detail, next };
}

/** It could not be looked at, or need not be. */
export function skipped(name: string, detail: string): Check {
  return { name, state: "skipped", detail, next: "" };
}
