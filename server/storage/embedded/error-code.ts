/** The `code` of a system error (`ENOENT`) or a database error (`42P04`); "" when it has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
