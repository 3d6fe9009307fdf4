import { spawn, type IPty } from "@lydell/node-pty";
import xterm from "@xterm/headless";

/** What a program showed on a terminal. */
export interface Shown {
  code: number;
  /** All that the program wrote, with its escape codes. */
  raw: string;
}

/** A program that runs on a pseudo-terminal, and the screen that a person sees. */
export class TerminalRun {
  readonly #pty: IPty;
  readonly #screen: InstanceType<typeof xterm.Terminal>;
  readonly ended: Promise<Shown>;
  raw = "";

  constructor(file: string, args: readonly string[], env: Record<string, string>, columns: number) {
    const size = { cols: columns, rows: 60 };
    this.#screen = new xterm.Terminal({ ...size, allowProposedApi: true });
    this.#pty = spawn(file, [...args], { ...size, env });
    this.#pty.onData((data) => {
      this.raw += data;
      this.#screen.write(data);
    });
    this.ended = new Promise((done) => {
      this.#pty.onExit(({ exitCode }) => {
        done({ code: exitCode, raw: this.raw });
      });
    });
  }

  /** Types text, as a person does: `\u0003` is Ctrl-C. */
  type(text: string): void {
    this.#pty.write(text);
  }

  /** Reads the lines of the screen, without blanks at their ends. */
  async screen(): Promise<string[]> {
    await new Promise<void>((done) => {
      this.#screen.write("", done);
    });
    const { active } = this.#screen.buffer;
    return Array.from({ length: active.length }, (_, y) => active.getLine(y)?.translateToString(true) ?? "");
  }
}
