/** Takes the place of domain/projects/shortest-lease.ts, so that tests need not wait for half a minute. */
export const SHORTEST_LEASE_MS = 200;
