import { cleanLine } from "./clean-text.ts";
import { createStyle } from "./style.ts";
import type { Terminal } from "./terminal.ts";
import { wrapText } from "./wrap-text.ts";

/** Values get at least so many columns, however narrow the terminal is. */
const NARROWEST = 20;

/**
 * Names and values, one pair a line, the values aligned and on a terminal wrapped under themselves. Pairs without a
 * value are left out.
 */
export function formatFields(fields: readonly (readonly [name: string, value: string])[], terminal: Terminal): string {
  const style = createStyle(terminal.color);
  const told = fields.filter(([, value]) => value !== "");
  const width = Math.max(0, ...told.map(([name]) => name.length));
  const columns = terminal.width === undefined ? Infinity : Math.max(NARROWEST, terminal.width - width - 2);
  return told
    .map(([name, value]) => {
      const lines = wrapText(cleanLine(value), columns).join(`\n${" ".repeat(width + 2)}`);
      return `${style.dim(name.padEnd(width))}  ${lines}\n`;
    })
    .join("");
}
