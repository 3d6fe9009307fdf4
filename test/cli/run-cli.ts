import { EventEmitter } from "node:events";
import { Readable, Writable } from "node:stream";
import { main } from "../../src/cli/program.js";

/** What a run of the program came to. */
export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** A stand-in for `process` that remembers what is written to it. */
export class TestHost extends EventEmitter {
  readonly stdin = Object.assign(Readable.from([]), { isTTY: false });
  env: Record<string, string> = {};
  readonly stdout = new Recorder();
  readonly stderr = new Recorder();

  /** Runs the program in this process. */
  async run(...args: string[]): Promise<Run> {
    const code = await main(args, this);
    return { code, stdout: this.stdout.text, stderr: this.stderr.text };
  }
}

/** A stream to nowhere, or to somewhere that is gone. */
export class Recorder extends Writable {
  text = "";
  isTTY = false;
  columns = 80;
  failure: Error | undefined;

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.text += chunk.toString();
    done(this.failure);
  }
}

/** Runs the program in this process. */
export async function runCli(...args: string[]): Promise<Run> {
  return await new TestHost().run(...args);
}
