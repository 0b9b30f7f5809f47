import { describe, expect, test } from "vitest";
import type { ClaimScope } from "../../domain/claims/claim-store.ts";
import type { ProjectId, SessionId } from "../../domain/ids.ts";
import { claimStoreContract } from "../../testing/claim-store-contract.ts";
import { movedEmbeddedStore } from "../../testing/moved-embedded-store.ts";
import { EmbeddedClaimStore } from "./claim-store.ts";

describe("EmbeddedClaimStore", () => {
  claimStoreContract(movedEmbeddedStore);

  test("tells the time of day by a clock that nobody can set back", async () => {
    const store = new EmbeddedClaimStore();
    const scope: ClaimScope = { projectId: "p" as ProjectId, epoch: 1 };
    await store.beginRebuild(scope, "mark");
    await store.finishRebuild(scope, "mark");
    const before = performance.timeOrigin + performance.now();
    const opened = await store.openSession(scope, "s" as SessionId, 60_000);
    const after = performance.timeOrigin + performance.now();
    if (opened.kind !== "alive") throw new Error(opened.kind);
    expect(opened.expireTime.getTime()).toBeGreaterThanOrEqual(Math.floor(before) + 60_000);
    expect(opened.expireTime.getTime()).toBeLessThanOrEqual(after + 60_000);
  });
});
