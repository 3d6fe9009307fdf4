/** A comment of the schema, in its parts. */
export interface Comment {
  /** The first line: what the object does, in at most 80 characters. */
  summary: string;
  details: string[];
  lists: CommentList[];
}

/** A list in a comment, such as `Outcomes:` or `Errors:`. */
export interface CommentList {
  title: string;
  items: CommentItem[];
}

/** A line of a list: `- stale: the generation is not newer.` */
export interface CommentItem {
  term: string;
  text: string;
}

const TITLE = /^[A-Z]\w+:$/;
const ITEM = /^- ([\w/]+): (.+)$/;

/**
 * Parses a comment into a summary, paragraphs of details, and lists.
 *
 * @throws Error for a line that is no part of one
 */
export function parseComment(text: string): Comment {
  const [summary = "", ...lines] = text.split("\n");
  const comment: Comment = { summary, details: [], lists: [] };
  for (const line of lines.filter((line) => line !== "")) addLine(comment, line);
  const empty = comment.lists.find(({ items }) => items.length === 0);
  if (empty) throw new Error(`the list ${empty.title} of a comment is empty: ${summary}`);
  return comment;
}

function addLine({ summary, details, lists }: Comment, line: string): void {
  const list = lists.at(-1);
  if (TITLE.test(line)) lists.push({ title: line.slice(0, -1), items: [] });
  else if (list) list.items.push(itemOf(line, summary));
  else details.push(line);
}

function itemOf(line: string, summary: string): CommentItem {
  const [, term, text] = ITEM.exec(line) ?? [];
  if (term === undefined || text === undefined)
    throw new Error(`a line of a list that is no item of it, in a comment: ${summary}\n${line}`);
  return { term, text };
}

/** Returns the items of the list with this title; none without such a list. */
export function itemsOf(text: string, title: string): CommentItem[] {
  return parseComment(text).lists.find((list) => list.title === title)?.items ?? [];
}

/** What would end the comment, or mean something else, in TSDoc or Markdown. */
const UNFIT = /\*|[{}@<>`|\\]/;

/** Writes a comment of the schema as a TSDoc comment. */
export function tsdoc(text: string): string {
  const unfit = UNFIT.exec(text)?.[0];
  if (unfit !== undefined) throw new Error(`a comment cannot hold "${unfit}": ${text}`);
  const { summary, details, lists } = parseComment(text);
  if (details.length + lists.length === 0) return `/** ${summary} */`;
  const blocks = [
    summary,
    ...details,
    ...lists.flatMap(({ title, items }) => [
      `${title}:`,
      items.map(({ term, text }) => `- ${term}: ${text}`).join("\n"),
    ]),
  ];
  const lines = blocks.join("\n\n").split("\n");
  return ["/**", ...lines.map((line) => (line === "" ? " *" : ` * ${line}`)), " */"].join("\n");
}
