import process from "node:process";
import { VmstateError } from "../../src/errors/vmstate-error.js";

/** Runs a command of this directory: what is wrong is told in one line, and the exit code is 1. */
export async function runCommand(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof VmstateError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
