import process from "node:process";
import { VmstateError } from "../../src/errors/vmstate-error.js";

/**
 * Runs a command of this directory.
 *
 * When something is wrong, writes one line and sets the exit code to 1.
 */
export async function runCommand(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof VmstateError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}
