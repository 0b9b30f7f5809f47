import { EmbeddedClaimStore } from "../storage/embedded/claim-store.ts";
import type { SearchBounds, StoreUnderTest } from "./claim-store-fixture.ts";

/** An embedded claim store whose time moves only when it is told to. */
export async function movedEmbeddedStore(bounds: SearchBounds = {}): Promise<StoreUnderTest> {
  let now = Date.parse("2026-01-01");
  const store = new EmbeddedClaimStore({ maxTickGapMs: Number.POSITIVE_INFINITY, ...bounds, now: () => now });
  return {
    store,
    advance: async (ms) => {
      now += ms;
    },
    leftovers: async (projectId) => store.leftovers(projectId),
  };
}
