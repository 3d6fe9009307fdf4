import { InvalidArgumentError } from "../errors/call-errors.js";

/** By argument, what a caller may pass; one with a question mark may be left out. */
export type Kinds = Readonly<Record<string, string>>;

interface Parameter {
  name: string;
  isOptional: boolean;
  accepts: (value: unknown) => boolean;
}

interface Signature {
  parameters: readonly Parameter[];
  names: ReadonlySet<string>;
  /** By spelling without underscores and capitals. */
  spellings: ReadonlyMap<string, string>;
}

const WORDS: Record<string, string> = { id: "a string", text: "a text", number: "a number" };

const ACCEPTS: Record<string, Parameter["accepts"]> = {
  any: () => true,
  id: (value) => typeof value === "string" || isTextual(value),
  text: hasText,
  number: hasText,
};

const signatures = new WeakMap<Kinds, Signature>();

/**
 * Refuses what the database can never accept, before it is sent: a required argument that is missing, an id that is no
 * text, an object in place of a text.
 *
 * A null goes to the database, and so does every value that might be right: the database decides.
 *
 * @param where the function, for the message: `beginStart`
 * @throws InvalidArgumentError naming the function and the argument
 */
export function requireArguments(verb: string, given: object, kinds: Kinds, where = verb): void {
  if (typeof given !== "object" || (given as unknown) === null) throw noArguments(verb, given);
  const { parameters } = signatureOf(kinds);
  for (const { name, isOptional, accepts } of parameters) {
    const value = (given as Record<string, unknown>)[name];
    if (value === undefined) {
      if (!isOptional) throw missing(verb, where, given, kinds, name);
    } else if (value !== null && !accepts(value)) throw wrong(verb, where, name, kinds, value);
  }
}

/**
 * Refuses a key that is a misspelt argument: the argument itself is not given, and would be left out silently.
 *
 * Any other key may be there, so that an object with more in it may be passed on.
 */
export function requireSpelling(verb: string, given: object, kinds: Kinds): void {
  const { names, spellings } = signatureOf(kinds);
  for (const key in given) {
    if (names.has(key)) continue;
    const meant = spellings.get(plain(key));
    if (meant !== undefined && (given as Record<string, unknown>)[meant] === undefined)
      throw invalidArgument(verb, key, `${verb}: unknown key "${key}"; did you mean "${meant}"?`);
  }
}

/** Refuses every key that is no argument. */
export function requireKnownKeys(verb: string, given: object, kinds: Kinds, where = verb): void {
  const { names } = signatureOf(kinds);
  for (const key in given)
    if (!names.has(key))
      throw invalidArgument(
        verb,
        key,
        `${where}: unknown key "${key}"; known keys: ${[...names].join(", ")}`,
      );
}

function signatureOf(kinds: Kinds): Signature {
  let signature = signatures.get(kinds);
  if (signature === undefined) {
    const names = Object.keys(kinds);
    const parameters = Object.entries(kinds).map(([name, kind]) => ({
      name,
      isOptional: kind.endsWith("?"),
      accepts: ACCEPTS[nameOf(kind)] ?? hasText,
    }));
    const spellings = new Map(names.map((name) => [plain(name), name]));
    signature = { parameters, names: new Set(names), spellings };
    signatures.set(kinds, signature);
  }
  return signature;
}

function nameOf(kind: string): string {
  return kind.replace("?", "");
}

function plain(key: string): string {
  return key.replaceAll("_", "").toLowerCase();
}

function hasText(value: unknown): boolean {
  return typeof value === "object"
    ? isTextual(value)
    : typeof value !== "symbol" && typeof value !== "function";
}

/** Tells an object with a text of its own, as a library's id or address has it, from one that has none. */
function isTextual(value: unknown): boolean {
  if (typeof value !== "object" || Array.isArray(value)) return false;
  try {
    return !String(value).startsWith("[object ");
  } catch {
    return false;
  }
}

function noArguments(verb: string, given: unknown): InvalidArgumentError {
  return invalidArgument(verb, undefined, `${verb} takes an object of arguments, not ${describe(given)}`);
}

function missing(
  verb: string,
  where: string,
  given: object,
  kinds: Kinds,
  name: string,
): InvalidArgumentError {
  const unknown = Object.keys(given).filter((key) => !(key in kinds));
  const others = unknown.length === 0 ? "" : `; keys that ${verb} does not know: ${unknown.join(", ")}`;
  return invalidArgument(verb, name, `${where}: ${name} is missing${others}`);
}

function wrong(
  verb: string,
  where: string,
  name: string,
  kinds: Kinds,
  value: unknown,
): InvalidArgumentError {
  const word = WORDS[nameOf(String(kinds[name]))];
  return invalidArgument(verb, name, `${where}: ${name} must be ${String(word)}, not ${describe(value)}`);
}

function describe(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "an array" : typeof value;
}

export function invalidArgument(
  verb: string,
  argument: string | undefined,
  message: string,
): InvalidArgumentError {
  return new InvalidArgumentError({
    ...{ verb, argument, message, detail: message, sqlState: "VM001" },
    hint: `Nothing was sent. docs/reference.md has the arguments of each verb.`,
  });
}
