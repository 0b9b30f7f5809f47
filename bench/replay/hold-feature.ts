import { setTimeout as pause } from "node:timers/promises";
import type { Hold } from "./overlapping-holds.ts";

/** Keeps a feature in hand for so long, as if it were worked on, and answers when that was. */
export async function holdFeature(slug: string, agent: number, holdMs: number): Promise<Hold> {
  const start = process.hrtime.bigint();
  if (holdMs > 0) await pause(holdMs);
  return { slug, agent, start, end: process.hrtime.bigint() };
}
