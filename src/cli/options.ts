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

export function jsonOption(): Option {
  return new Option("--json", "print one JSON document");
}

export function instanceArgument(): Argument {
  return new Argument("<instance>", "id of the instance").argParser(requireUuid);
}

function requireUuid(text: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text;
  throw new InvalidArgumentError("Expected a UUID.");
}
