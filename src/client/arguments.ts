import { InvalidArgumentError } from "../errors/call-errors.js";

/** By argument, what a caller may pass; one with a question mark may be left out. */
export type Kinds = Readonly<Record<string, string>>;

type Accepts = (value: unknown) => boolean;

interface Signature {
  accepts: ReadonlyMap<string, Accepts>;
  required: readonly string[];
  /** By spelling without underscores and capitals. */
  spellings: ReadonlyMap<string, string>;
}

type Given = Readonly<Record<string, unknown>>;

const WORDS: Record<string, string> = {
  boolean: "a boolean",
  id: "a string",
  text: "a text",
  number: "a number",
};

const ACCEPTS = {
  any: () => true,
  boolean: hasText,
  id: (value) => typeof value === "string" || isTextual(value),
  text: hasText,
  number: hasText,
} satisfies Record<string, Accepts>;

const signatures = new WeakMap<Kinds, Signature>();

/**
 * Refuses what the database can never accept, before it is sent: a required argument that is missing, an id that is no
 * text, an object in place of a text, a misspelt key, by which an argument would be left out silently.
 *
 * A null goes to the database, and so does every value that might be right: the database decides. Other keys may be
 * there, so that an object with more in it may be passed on.
 *
 * @param verb the function, for the error
 * @throws InvalidArgumentError naming the function and the argument
 */
export function requireArguments(verb: string, given: object, kinds: Kinds): void {
  requireAll(verb, given, kinds, verb, requireSpelling);
}

/**
 * Refuses what {@link requireArguments} does, and every key that is no argument.
 *
 * @param where begins the message: the function, or an element of what it was given
 */
export function requireOnly(verb: string, given: object, kinds: Kinds, where = verb): void {
  requireAll(verb, given, kinds, where, refuseUnknown);
}

/** Looks at each key once: this runs before each report. */
function requireAll(
  verb: string,
  given: object,
  kinds: Kinds,
  where: string,
  requireKey: (verb: string, key: string, given: Given, signature: Signature, where: string) => void,
): void {
  if (!isObject(given)) throw noArguments(verb, given);
  const signature = signatureOf(kinds);
  for (const key in given) {
    const value = given[key];
    const accepts = signature.accepts.get(key);
    if (accepts === undefined) requireKey(verb, key, given, signature, where);
    else if (value !== undefined && value !== null && !accepts(value))
      throw wrong(verb, where, key, kinds, value);
  }
  for (const name of signature.required)
    if (given[name] === undefined) throw missing(verb, where, name, given, signature);
}

function isObject(given: unknown): given is Given {
  return typeof given === "object" && given !== null;
}

function requireSpelling(verb: string, key: string, given: Given, { spellings }: Signature): void {
  const meant = spellings.get(plain(key));
  if (meant !== undefined && given[meant] === undefined)
    throw invalidArgument(verb, key, `${verb}: unknown key "${key}"; did you mean "${meant}"?`);
}

function refuseUnknown(verb: string, key: string, _: Given, { accepts }: Signature, where: string): void {
  const known = [...accepts.keys()].join(", ");
  throw invalidArgument(verb, key, `${where}: unknown key "${key}"; known keys: ${known}`);
}

function signatureOf(kinds: Kinds): Signature {
  let signature = signatures.get(kinds);
  if (signature === undefined) {
    const names = Object.keys(kinds);
    signature = {
      accepts: new Map<string, Accepts>(names.map((name) => [name, ACCEPTS[kindOf(kinds, name)]])),
      required: names.filter((name) => !kinds[name]?.endsWith("?")),
      spellings: new Map(names.map((name) => [plain(name), name])),
    };
    signatures.set(kinds, signature);
  }
  return signature;
}

function kindOf(kinds: Kinds, name: string): keyof typeof ACCEPTS {
  return String(kinds[name]).replace("?", "") as keyof typeof ACCEPTS;
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
    // eslint-disable-next-line @typescript-eslint/no-base-to-string -- an object without a text is what is looked for
    return !String(value).startsWith("[object ");
  } catch {
    return false;
  }
}

function noArguments(verb: string, given: unknown): InvalidArgumentError {
  return invalidArgument(verb, undefined, `${verb} takes an object of arguments, not ${typeNameOf(given)}`);
}

function missing(
  verb: string,
  where: string,
  name: string,
  given: Given,
  { accepts }: Signature,
): InvalidArgumentError {
  const unknown = Object.keys(given).filter((key) => !accepts.has(key));
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
  const word = String(WORDS[kindOf(kinds, name)]);
  return invalidArgument(verb, name, `${where}: ${name} must be ${word}, not ${typeNameOf(value)}`);
}

function typeNameOf(value: unknown): string {
  return value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
}

/** Makes the error for an argument that is not sent. */
export function invalidArgument(
  verb: string,
  argument: string | undefined,
  message: string,
): InvalidArgumentError {
  return new InvalidArgumentError({
    ...{ verb, argument, message, detail: message, sqlState: "VM001" },
    hint: "Nothing was sent. docs/reference.md has the arguments of each verb.",
  });
}
