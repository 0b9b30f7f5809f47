import { cleanLine } from "./clean-text.ts";
import { createStyle } from "./style.ts";
import type { Terminal } from "./terminal.ts";

/** Names and values, one pair a line, the values aligned. Pairs without a value are left out. */
export function formatFields(fields: readonly (readonly [name: string, value: string])[], terminal: Terminal): string {
  const style = createStyle(terminal.color);
  const told = fields.filter(([, value]) => value !== "");
  const width = Math.max(0, ...told.map(([name]) => name.length));
  return told.map(([name, value]) => `${style.dim(name.padEnd(width))}  ${cleanLine(value)}\n`).join("");
}
