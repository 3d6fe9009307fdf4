import { Argument, InvalidArgumentError, Option } from "commander";

export interface DatabaseUrlOption {
  databaseUrl?: string;
}

export interface JsonOption {
  json?: true;
}

export function databaseUrlOption(): Option {
  return new Option("--database-url <url>", "postgres://user:password@host:port/database").env(
    "DATABASE_URL",
  );
}

/** Makes the option of a command that writes: a database counts only if it stands on the command line. */
export function namedDatabaseOption(description: string): Option {
  return new Option("--database-url <url>", description);
}

export function jsonOption(): Option {
  return new Option("--json", "print one JSON document");
}

export function instanceArgument(): Argument {
  return new Argument("<instance>", "id of the instance").argParser(requireUuid);
}

/** Makes an option's parser of whole numbers. */
export function wholeNumber(from: number, to: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,10}$/.test(text) && value >= from && value <= to) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${from} to ${to}.`);
  };
}

export function requireUuid(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text;
  throw new InvalidArgumentError("Expected a UUID.");
}
