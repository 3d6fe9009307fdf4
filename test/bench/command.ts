import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, Option } from "commander";
import { format } from "prettier";
import { seed as anySeed, wholeNumber } from "../verification/prove.js";

const RESULTS = fileURLToPath(new URL("results", import.meta.url));

export interface Settings {
  quick: boolean;
  seed: number;
  out?: string;
}

/** A bench as a command, with what all of them can be set to. */
export function benchCommand(
  name: string,
  description: string,
  server = "DATABASE_URL, else its own",
): Command {
  const seed = anySeed();
  return new Command(name)
    .description(`${description} Server: ${server}.`)
    .addOption(new Option("--quick", "whether it runs at all: small, no targets").default(false))
    .addOption(new Option("--seed <n>", seed.description).argParser(wholeNumber).default(seed.defaultValue))
    .addOption(
      new Option("--out <dir>", "where the JSON and the plots go; --quick: else a temporary directory"),
    )
    .showHelpAfterError();
}

export interface Output {
  /** The JSON file's name. */
  name: string;
  json: unknown;
  /** By file name. */
  plots: ReadonlyMap<string, string>;
}

/** Writes the JSON and the plots of a run; returns the directory. */
export async function write({ name, json, plots }: Output, { out, quick }: Settings): Promise<string> {
  const dir = out ?? (quick ? mkdtempSync(join(tmpdir(), "vmstate-bench-")) : RESULTS);
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, name), await format(JSON.stringify(json), { parser: "json", printWidth: 110 }));
  for (const [file, svg] of plots) writeFileSync(join(dir, file), svg);
  return dir;
}
