/** The migrated database of a test run's PostgreSQL that `createTestDatabase` clones. */
export const TEMPLATE_DATABASE = "nexus_template";
