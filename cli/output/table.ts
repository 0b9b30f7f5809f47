import { cleanLine } from "./clean-text.ts";
import { formatFields } from "./fields.ts";
import { createStyle } from "./style.ts";
import type { Terminal } from "./terminal.ts";
import { cutText, textWidth } from "./text-width.ts";

/** One column: its heading, what a row shows in it, and whether it may be cut to make the table fit. */
export interface Column<Row> {
  readonly heading: string;
  readonly cell: (row: Row) => string;
  /** Cut before the table gets wider than the terminal; ids and slugs are not, since people copy them. */
  readonly flexible?: boolean;
}

const GAP = "  ";
const NARROWEST = 8;

/**
 * Rows under headings, each column as wide as its longest cell. Where that is wider than the terminal the flexible
 * columns are cut, the widest first, and where that is not enough each row is shown as fields below each other; outside
 * a terminal nothing is. Ends with a line break; empty without rows.
 */
export function formatTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], terminal: Terminal): string {
  if (rows.length === 0) return "";
  const style = createStyle(terminal.color);
  const cells = rows.map((row) => columns.map((column) => cleanLine(column.cell(row))));
  const shown = columns.map((_, index) => index).filter((index) => cells.some((row) => row[index] !== ""));
  const widths = new Map(
    shown.map((index) => [
      index,
      Math.max(textWidth(columns[index]?.heading ?? ""), ...cells.map((row) => textWidth(row[index] ?? ""))),
    ]),
  );
  if (terminal.width !== undefined && !narrow(widths, columns, terminal.width)) {
    return cells
      .map((row) => shown.map((index) => [columns[index]?.heading ?? "", row[index] ?? ""] as const))
      .map((fields) => formatFields(fields, terminal))
      .join("\n");
  }
  const line = (texts: readonly string[]) =>
    shown
      .map((index, at) => {
        const width = widths.get(index) ?? 0;
        const text = cutText(texts[index] ?? "", width);
        return at === shown.length - 1 ? text : text + " ".repeat(Math.max(0, width - textWidth(text)));
      })
      .join(GAP)
      .trimEnd();
  const heading = style.dim(line(columns.map((column) => column.heading)));
  return `${[heading, ...cells.map(line)].join("\n")}\n`;
}

/** Whether the table fits so many columns, after its flexible ones were cut as far as need be. */
function narrow<Row>(widths: Map<number, number>, columns: readonly Column<Row>[], available: number): boolean {
  const total = () => [...widths.values()].reduce((sum, width) => sum + width, 0) + GAP.length * (widths.size - 1);
  while (total() > available) {
    const widest = [...widths]
      .filter(([index, width]) => columns[index]?.flexible === true && width > NARROWEST)
      .sort(([, left], [, right]) => right - left)[0];
    if (widest === undefined) return false;
    widths.set(widest[0], Math.max(NARROWEST, widest[1] - (total() - available), nextWidest(widths, columns, widest)));
  }
  return true;
}

/** The width of the second-widest flexible column: the widest is not cut below it at one step. */
function nextWidest<Row>(
  widths: ReadonlyMap<number, number>,
  columns: readonly Column<Row>[],
  [widest, width]: readonly [number, number],
): number {
  const others = [...widths].filter(([index]) => index !== widest && columns[index]?.flexible === true);
  const next = Math.max(0, ...others.map(([, other]) => other));
  return next < width ? next : width - 1;
}
