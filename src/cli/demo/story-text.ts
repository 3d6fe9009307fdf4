import { type Colors, WIDTH } from "../../terminal/io.js";
import { wrapped } from "../../terminal/table.js";
import type { Output } from "./player.js";

const INDENT = 2;

/**
 * Makes one story readable on a terminal.
 *
 * The story gets a heading, and each comment becomes prose above the statements that it explains.
 */
export class StoryText {
  private last: Output["kind"] | undefined;

  constructor(
    private readonly file: string,
    private readonly colors: Colors,
  ) {}

  /**
   * Writes the next output, below a blank line where another kind begins.
   *
   * The first output is the heading.
   */
  add(output: Output): string {
    const { last } = this;
    this.last = output.kind;
    if (last === undefined) return this.opening(output.text);
    const text = indented(this.textOf(output));
    return isAnswered(last, output.kind) ? text : `\n${text}`;
  }

  private textOf({ kind, text }: Output): string {
    if (kind === "comment") return proseOf(text);
    if (kind === "error") return this.colors.red(wrappedLines(text));
    return kind === "answer" || kind === "echo" ? text : this.colors.cyan(text);
  }

  /** Writes the heading: the first line of the first comment is the story's title. */
  private opening(comment: string): string {
    const [title = "", ...prose] = proseOf(comment).split("\n");
    const { bold, dim } = this.colors;
    const rule = "─".repeat(WIDTH - title.length - this.file.length - 2);
    return `\n${bold(title)} ${dim(`${rule} ${this.file}`)}\n${indented(prose.join("\n"))}`;
  }
}

/**
 * Tells whether two outputs belong together, without a blank line between.
 *
 * So do a statement and its answer, and an error and the statement that rolls it back.
 */
function isAnswered(last: Output["kind"], next: Output["kind"]): boolean {
  const isScript = last === "statement" || last === "command";
  return (isScript && next !== "comment") || (last === "error" && next === "statement");
}

function proseOf(comment: string): string {
  return comment.replaceAll(/^-- ?/gm, "");
}

/** Wraps the lines of an error at 80 columns; no other output has longer lines. */
function wrappedLines(text: string): string {
  const wrap = (line: string): string =>
    line.length > WIDTH - INDENT ? wrapped(line, WIDTH - INDENT) : line;
  return text.split("\n").map(wrap).join("\n");
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, " ".repeat(INDENT));
}
