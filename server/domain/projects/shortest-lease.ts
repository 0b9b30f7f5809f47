/** The shortest lease that a project may set for its sessions. The bundle for tests has a shorter one in its place. */
export const SHORTEST_LEASE_MS = 30_000;
