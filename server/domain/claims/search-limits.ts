/** Held entries that one call looks at; beyond it a touch is too broad. */
export const MAX_CANDIDATES = 20_000;
/** Pairs of touch and claim that a refusal names. */
export const MAX_PAIRS = 64;
/**
 * How many of them are of one touch. What more claims stand in the way of is too wide to wait for; so the cost of a
 * refusal does not grow with what is held, and every touch gets its turn.
 */
export const MAX_PAIRS_PER_TOUCH = 8;
