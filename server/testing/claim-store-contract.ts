import { acquireContract } from "./claim-store-contract/acquire.ts";
import { endOfClaimContract } from "./claim-store-contract/end-of-claim.ts";
import { extendContract } from "./claim-store-contract/extend.ts";
import { leaseContract } from "./claim-store-contract/lease.ts";
import { lookContract } from "./claim-store-contract/look.ts";
import { overlapContract } from "./claim-store-contract/overlap.ts";
import { partialEndContract } from "./claim-store-contract/partial-end.ts";
import { rebuildContract } from "./claim-store-contract/rebuild.ts";
import { takeOverContract } from "./claim-store-contract/take-over.ts";
import type { StoreFactory } from "./claim-store-fixture.ts";

/** What every adapter of ClaimStore has to do: the sentences of the port as tests. Call it in a test file. */
export function claimStoreContract(create: StoreFactory): void {
  acquireContract(create);
  overlapContract(create);
  extendContract(create);
  takeOverContract(create);
  endOfClaimContract(create);
  partialEndContract(create);
  leaseContract(create);
  lookContract(create);
  rebuildContract(create);
}
