import type { Check } from "./section.ts";

/** What a check found, without its name. */
export type Finding = Omit<Check, "name">;

/** It works. */
export function ok(detail: string): Finding {
  return { state: "ok", detail, next: "" };
}

/** It could not be looked at. */
export function skipped(detail: string): Finding {
  return { state: "skipped", detail, next: "" };
}

/** Looks at one thing; what is thrown meanwhile is what was found. */
export async function attempt(name: string, look: () => Finding | Promise<Finding>): Promise<Check> {
  try {
    return { name, ...(await look()) };
  } catch (error) {
    const { message, next } = error as { readonly message?: string; readonly next?: unknown };
    const told = typeof next === "string" ? next : "";
    return { name, state: "failure", detail: message ?? String(error), next: told };
  }
}
