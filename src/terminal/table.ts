import Table from "cli-table3";

const NO_BORDERS = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "" },
};
const NO_PADDING = { head: [], border: [], "padding-left": 0, "padding-right": 0 };
/** Wrapping in fewer columns would be harder to read than a line that the terminal wraps. */
const LEAST_WIDTH = 10;

/** Adds escape codes to a text that has none. */
export type Paint = (text: string) => string;

/**
 * A text, or a text and how to paint it.
 *
 * The two come apart because a text is measured and wrapped before escape codes are in it.
 */
export type Cell = string | number | { text: string; paint: Paint };

export interface TableOptions {
  /** The text between two columns. Default: two spaces. */
  between?: string;
  head?: Cell[];
  /** Columns to align right. */
  right?: number[];
  /** How wide the table may be; one column is wrapped to fit. Default: as wide as it needs. */
  width?: number;
  /** The column that is wrapped. Default: the last of each row. */
  wrap?: number;
}

/** Writes text in columns, without borders and trailing blanks. */
export function table(rows: Cell[][], options: TableOptions = {}): string {
  const { between = "  ", head = [], right = [], width = Infinity, wrap } = options;
  const wrappedOf = (row: Cell[]): number => wrap ?? row.length - 1;
  const room = width - widthOfOthers([head, ...rows], wrappedOf, between.length);
  const painted = (row: Cell[]): string[] =>
    row.map((cell, column) =>
      paintCell(cell, column === wrappedOf(row) ? Math.max(LEAST_WIDTH, room) : Infinity),
    );
  const lines = new Table({
    head: painted(head),
    chars: { ...NO_BORDERS, middle: between },
    style: NO_PADDING,
    colAligns: head.map((_, column) => (right.includes(column) ? "right" : "left")),
  });
  lines.push(...rows.map(painted));
  return withoutTrailingBlanks(lines.toString());
}

/** Wraps a text without escape codes: between words, and within a word that is too long for a line. */
export function wrapped(text: string, width: number): string {
  const isTooLong = text.split(/\s/).some((word) => word.length > width);
  const lines = new Table({ chars: NO_BORDERS, style: NO_PADDING, colWidths: [width], wordWrap: true });
  lines.push([{ content: text, wrapOnWordBoundary: !isTooLong }]);
  return withoutTrailingBlanks(lines.toString());
}

/** Computes how wide all columns but the wrapped one are, each with what stands between it and the next. */
function widthOfOthers(rows: Cell[][], wrappedOf: (row: Cell[]) => number, between: number): number {
  const widest: number[] = [];
  for (const row of rows)
    for (const [column, cell] of row.entries())
      if (column !== wrappedOf(row)) widest[column] = Math.max(widest[column] ?? 0, textOf(cell).length);
  return widest.reduce((sum, one) => sum + one + between, 0);
}

/** Wraps the text first and paints each line of it, so that no escape code is counted or split. */
function paintCell(cell: Cell, room: number): string {
  const text = textOf(cell);
  const lines = (text.length > room ? wrapped(text, room) : text).split("\n");
  const paint = typeof cell === "object" ? cell.paint : String;
  return lines.map((line) => (line === "" ? "" : paint(line))).join("\n");
}

/** Returns the text of a cell; a control character in it, as a name may have, reaches no terminal. */
function textOf(cell: Cell): string {
  return String(typeof cell === "object" ? cell.text : cell).replaceAll(/\p{Cc}/gu, "\uFFFD");
}

/** Drops the blanks that fill the last column. */
function withoutTrailingBlanks(lines: string): string {
  return lines.replace(/ +$/gm, "");
}
