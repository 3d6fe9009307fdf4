import postgres from "postgres";
import { readBothSides } from "../queries/instance-rows.js";
import { type Io, say } from "../../terminal/io.js";
import { table } from "../../terminal/table.js";
import { VmstateError } from "../../errors/vmstate-error.js";
import type { SqlClient } from "../../client/rows.js";
import { type AnyResult, callText, outcomeText } from "./call-text.js";
import { Cast } from "./cast.js";
import { picture } from "./picture.js";

const WIDTH = 80;
const INDENT = 2;
const CALL_WIDTH = 50;

/** @throws VmstateError when the story took another turn */
export function applied<R extends { outcome: string }>(answer: R): Extract<R, { outcome: "applied" }> {
  if (answer.outcome === "applied") return answer as Extract<R, { outcome: "applied" }>;
  throw new VmstateError(`the answer is ${answer.outcome}, not applied`);
}

/** Plays calls for real and prints them. */
export class Stage {
  readonly cast = new Cast();
  private lastIsCall = false;

  constructor(
    readonly sql: postgres.TransactionSql,
    private readonly io: Io,
  ) {}

  /** Shorthand for the id that goes by this name. */
  id(name: string): string {
    return this.cast.id(name);
  }

  /** A line across, with what it is about on the right. */
  title(text: string, about = ""): void {
    this.lastIsCall = false;
    const { bold, dim } = this.io.colors;
    const end = about && ` ${bold(about)}`;
    const rest = WIDTH - text.length - 1 - (about && ` ${about}`).length;
    this.print(`\n${bold(text)} ${dim("─".repeat(rest))}${end}`, 0);
  }

  /** Calls a function of this package, prints the call and its outcome. */
  async call<A extends object, R extends AnyResult>(
    verb: (sql: SqlClient, a: A) => Promise<R>,
    a: A,
  ): Promise<R> {
    const answer = await verb(this.sql, a);
    const { green, yellow } = this.io.colors;
    const outcome = outcomeText(answer, this.cast);
    this.printCall(
      callText(verb.name, a, this.cast),
      outcome.startsWith("applied") ? green(outcome) : yellow(outcome),
    );
    return answer;
  }

  /** Calls a function with arguments that PostgreSQL refuses, prints the call and the error. */
  async refused<A extends object>(verb: (sql: SqlClient, a: A) => Promise<unknown>, a: A): Promise<void> {
    await this.printRefusal(callText(verb.name, a, this.cast), (sql) => verb(sql, a));
  }

  /** The same for a statement of SQL. */
  async refusedSql(text: string, parameters: string[]): Promise<void> {
    await this.printRefusal(text, (sql) => sql.unsafe(text, parameters));
  }

  /** The instance `web` from both sides. */
  async picture(): Promise<void> {
    this.lastIsCall = false;
    const sides = await readBothSides(this.sql, this.id("web"));
    this.print(`\n${picture(sides, this.cast, this.io.colors)}`, 2 * INDENT);
  }

  /** A sentence or two, wrapped. */
  why(text: string): void {
    this.lastIsCall = false;
    this.print(`\n${table([[text]], { widths: [WIDTH - INDENT] })}`, INDENT);
  }

  /** The savepoint keeps the transaction going. */
  private async printRefusal(
    what: string,
    attempt: (sql: postgres.TransactionSql) => Promise<unknown>,
  ): Promise<void> {
    const error: unknown = await this.sql.savepoint(attempt).catch((reason: unknown) => reason);
    if (!(error instanceof postgres.PostgresError)) throw new VmstateError(`this was not refused: ${what}`);
    this.printCall(what, this.io.colors.red(`ERROR ${error.code}`));
    this.printError(error);
  }

  private printError({ message, detail, hint }: postgres.PostgresError): void {
    const names = this.cast.namesIn(`${message} ${String(detail)}`);
    const lines = Object.entries({ message, detail, hint, ...names }).filter(
      ([, text]) => text !== undefined,
    );
    this.print(
      table(
        lines.map(([label, text]) => [this.io.colors.dim(label), text]),
        { widths: [9, 65] },
      ),
      2 * INDENT,
    );
  }

  private printCall(call: string, outcome: string): void {
    if (!this.lastIsCall) this.print("", 0);
    this.lastIsCall = true;
    if (call.length > CALL_WIDTH) this.print(`${call}\n${" ".repeat(INDENT)}→ ${outcome}`, INDENT);
    else this.print(`${call.padEnd(CALL_WIDTH)} → ${outcome}`, INDENT);
  }

  private print(text: string, indent: number): void {
    say(this.io.stdout, text.replace(/^(?=.)/gm, " ".repeat(indent)));
  }
}
