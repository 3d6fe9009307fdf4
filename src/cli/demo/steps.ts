/** A part of a script: lines as they stand in the file, and what they mean. */
export type Step = Comment | Statement | Command;

interface Comment {
  kind: "comment";
  lines: string[];
}

export interface Statement {
  kind: "statement";
  lines: string[];
  /** What is sent to the server, before variables are replaced. */
  text: string;
  /** Of a statement that ends with `\gset PREFIX`: what the names of its variables begin with. */
  gset?: string;
}

export interface Command {
  kind: "command";
  lines: string[];
  name: string;
  argument: string;
}

/**
 * Reads the part of psql's language that docs/examples/README.md describes.
 *
 * That is comments, backslash commands on a line of their own, and statements that end with the last character of a
 * line.
 */
export function parseScript(text: string): Step[] {
  const steps: Step[] = [];
  let open: string[] = [];
  for (const line of text.split("\n")) {
    const last = steps.at(-1);
    if (open.length > 0 || !/^(--|\\|$)/.test(line)) {
      open.push(line);
      const statement = statementOf(open);
      if (!statement) continue;
      steps.push(statement);
      open = [];
    } else if (line.startsWith("--")) {
      if (last?.kind === "comment") last.lines.push(line);
      else steps.push({ kind: "comment", lines: [line] });
    } else if (line !== "") {
      steps.push(commandOf(line));
    }
  }
  if (open.length > 0) throw new Error(`this statement does not end: ${open.join("\n")}`);
  return steps;
}

function statementOf(lines: string[]): Statement | undefined {
  const [, text, gset] = /^(.*?;|.*?(?= \\gset))(?: \\gset ?(\w*))?$/s.exec(lines.join("\n")) ?? [];
  if (text === undefined) return undefined;
  return { kind: "statement", lines, text, ...(gset !== undefined && { gset }) };
}

function commandOf(line: string): Command {
  const [name = "", ...argument] = line.slice("\\".length).split(" ");
  return { kind: "command", lines: [line], name, argument: argument.join(" ") };
}
