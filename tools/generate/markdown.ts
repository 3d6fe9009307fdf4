export function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

export function code(text: string): string {
  return `\`${text}\``;
}

/** The notice on each generated page that the next run overwrites edits. */
export const GENERATED =
  "<!-- Generated from a migrated database by `npm run generate`; the tests compare. Do not edit. -->";
