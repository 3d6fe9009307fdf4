import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { VmstateError } from "../../errors/vmstate-error.js";
import { type Answer, answerText, errorText, isOfServer } from "./psql-text.js";
import { type Command, parseScript, type Statement, type Step } from "./steps.js";

/** What psql would print next: a part of the script, or what came of it. */
export interface Output {
  kind: Step["kind"] | "answer" | "echo" | "error";
  text: string;
}

/** Sends one statement. */
export type Send = (statement: string) => Promise<Answer>;

/** Plays a script as psql does with the settings that docs/examples/setup.sql makes. */
export class Player {
  private readonly variables = new Map<string, string>();

  constructor(private readonly send: Send) {}

  /**
   * Sends the statements of a file one by one.
   *
   * @throws VmstateError when a statement that is followed by ROLLBACK TO, and so has to be refused, is not
   * @throws the server's error, when a statement is refused that is not followed by ROLLBACK TO
   */
  async *play(file: string): AsyncGenerator<Output> {
    const steps = parseScript(await readFile(file, "utf8"));
    for (const [at, step] of steps.entries()) {
      if (this.variables.get("ECHO") === "all") yield { kind: step.kind, text: step.lines.join("\n") };
      if (step.kind === "statement") yield* this.execute(step, hasToBeRefused(steps[at + 1]));
      if (step.kind === "command") yield* this.obey(step, dirname(file));
    }
  }

  private async *execute(statement: Statement, refused: boolean): AsyncGenerator<Output> {
    const text = this.replaceVariables(statement.text);
    try {
      const answer = await this.send(text);
      if (statement.gset !== undefined) this.remember(answer, statement.gset);
      else if (answer.columns.length > 0) yield { kind: "answer", text: answerText(answer) };
    } catch (error) {
      if (!refused || !isOfServer(error)) throw error;
      yield { kind: "error", text: errorText(error, text) };
      return;
    }
    if (refused) throw new VmstateError(`this was not refused: ${text}`);
  }

  private async *obey({ name, argument }: Command, dir: string): AsyncGenerator<Output> {
    if (name === "ir") {
      yield* this.play(join(dir, argument));
    } else if (name === "set") {
      const [variable = "", value = ""] = argument.split(" ");
      this.variables.set(variable, value);
    } else if (name === "echo") {
      yield { kind: "echo", text: this.replaceVariables(argument) };
    } else if (name !== "pset") {
      throw new VmstateError(`a script of the demo has no command \\${name}`);
    }
  }

  private remember({ columns, rows: [row = []] }: Answer, prefix: string): void {
    for (const [at, { name }] of columns.entries()) this.variables.set(`${prefix}${name}`, row[at] ?? "");
  }

  /**
   * Replaces `:name` by a variable's value, and `:'name'` by the value as a literal.
   *
   * A `::` is a cast, not a variable.
   */
  private replaceVariables(text: string): string {
    return text.replaceAll(/(?<!:):('?)(\w+)\1/g, (reference, quote: string, name: string) => {
      const value = this.variables.get(name);
      if (value === undefined) return reference;
      return quote === "" ? value : `'${value.replaceAll("'", "''")}'`;
    });
  }
}

function hasToBeRefused(next: Step | undefined): boolean {
  return next?.kind === "statement" && next.text.startsWith("ROLLBACK TO ");
}
