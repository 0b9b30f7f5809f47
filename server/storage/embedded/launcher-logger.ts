/** Where the launcher of the embedded PostgreSQL says what the operator should know. */
export interface LauncherLogger {
  info(message: string): void;
  warn(message: string): void;
}
