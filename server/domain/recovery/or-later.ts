import { ClaimsRecoveringError, StoreUnavailableError } from "../errors.ts";

/**
 * Does the second half of something that Postgres has committed already. Where the claim store is away the reconciler
 * does it when it is back, so the caller need not hear of that.
 */
export async function orLater(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StoreUnavailableError || error instanceof ClaimsRecoveringError)) throw error;
  }
}
