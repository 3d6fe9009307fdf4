import Table, { type Cell } from "cli-table3";

const NO_BORDERS = {
  ...{ top: "", "top-mid": "", "top-left": "", "top-right": "" },
  ...{ bottom: "", "bottom-mid": "", "bottom-left": "", "bottom-right": "" },
  ...{ left: "", "left-mid": "", mid: "", "mid-mid": "", right: "", "right-mid": "" },
};

export interface TableOptions {
  /** What stands between two columns. Default: two spaces. */
  between?: string;
  head?: string[];
  /** Columns to align right. */
  right?: number[];
  /** The width of each column, which text is wrapped to. Default: as wide as it needs. */
  widths?: number[];
}

/** Writes text in columns, without borders and trailing blanks. */
export function table(rows: Cell[][], options: TableOptions = {}): string {
  const { between = "  ", head = [], right = [], widths } = options;
  const lines = new Table({
    head,
    chars: { ...NO_BORDERS, middle: between },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
    colAligns: head.map((_, column) => (right.includes(column) ? "right" : "left")),
    ...(widths && { colWidths: widths, wordWrap: true }),
  });
  lines.push(...rows);
  return lines.toString().replace(/ +$/gm, "");
}
