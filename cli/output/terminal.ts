import type { Writable } from "node:stream";

/** What a stream can show. */
export interface Terminal {
  /** Columns; undefined when it is no terminal, where nothing is cut. */
  readonly width: number | undefined;
  readonly color: boolean;
}

/** Colour only on a terminal, and never with NO_COLOR (no-color.org: set and not empty) or TERM=dumb. */
export function terminalOf(stream: Writable, env: Readonly<Record<string, string | undefined>>): Terminal {
  const tty = stream as Writable & { readonly isTTY?: boolean; readonly columns?: number };
  if (tty.isTTY !== true) return { width: undefined, color: false };
  return { width: tty.columns || 80, color: !env["NO_COLOR"] && env["TERM"] !== "dumb" };
}
