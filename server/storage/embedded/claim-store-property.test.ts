import { describe } from "vitest";
import { claimStoreProperties } from "../../testing/claim-store-property.ts";
import { movedEmbeddedStore } from "../../testing/moved-embedded-store.ts";

describe("EmbeddedClaimStore", () => {
  claimStoreProperties(movedEmbeddedStore, 2_000);
});
