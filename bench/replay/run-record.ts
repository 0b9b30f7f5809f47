import type { FromAgent } from "./messages.ts";
import type { Hold } from "./overlapping-holds.ts";

/** What is known of a run so far: what its agents have told. */
export class RunRecord {
  readonly holds: Hold[] = [];
  /** Of each PickFeature that was granted, and of each that was refused, in milliseconds. */
  readonly pickMs: number[] = [];
  readonly refusalMs: number[] = [];

  add(message: FromAgent): void {
    switch (message.kind) {
      case "picked":
        this.pickMs.push(message.latencyMs);
        break;
      case "refused":
        this.refusalMs.push(message.latencyMs);
        break;
      case "done":
        this.holds.push(message.hold);
        break;
      default:
    }
  }

  /** Features that were picked and are not done yet. */
  get inHand(): number {
    return this.pickMs.length - this.holds.length;
  }

  /** Features of the list that were not held exactly once, with how often they were. */
  notHeldOnce(slugs: readonly string[]): { readonly slug: string; readonly times: number }[] {
    const times = new Map(slugs.map((slug) => [slug, 0]));
    for (const { slug } of this.holds) times.set(slug, (times.get(slug) ?? 0) + 1);
    return [...times].filter(([, count]) => count !== 1).map(([slug, count]) => ({ slug, times: count }));
  }
}
