import { join } from "node:path";

/** The server's bundle, beside the command line's folder. */
export function serverProgram(programFolder: string): string {
  return join(programFolder, "..", "..", "server", "dist", "main.js");
}
