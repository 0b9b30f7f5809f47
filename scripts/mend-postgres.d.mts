/** Files that have something to mend. */
export const MENDED_FILES: RegExp;
/** The source of a file of postgres.js, mended. Throws where it is not the version that is known. */
export function mendPostgres(path: string, source: string): string;
