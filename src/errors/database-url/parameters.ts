import { VmstateError } from "../vmstate-error.js";

/** Parameters of libpq that count, and the environment variable that stands in for each where the URL has none. */
const VARIABLES = {
  // These parameters override the rest of the URL, which overrides the environment.
  host: undefined,
  hostaddr: undefined,
  port: undefined,
  dbname: undefined,
  user: undefined,
  password: undefined,
  options: "PGOPTIONS",
  application_name: "PGAPPNAME",
  connect_timeout: "PGCONNECT_TIMEOUT",
  target_session_attrs: "PGTARGETSESSIONATTRS",
  channel_binding: "PGCHANNELBINDING",
  keepalives: undefined,
  keepalives_idle: undefined,
  sslmode: "PGSSLMODE",
  sslnegotiation: "PGSSLNEGOTIATION",
  sslrootcert: "PGSSLROOTCERT",
  sslcert: "PGSSLCERT",
  sslkey: "PGSSLKEY",
  sslpassword: undefined,
  ssl_min_protocol_version: "PGSSLMINPROTOCOLVERSION",
  ssl_max_protocol_version: "PGSSLMAXPROTOCOLVERSION",
  // No client of Node.js can fulfil these. They are refused below, because without them the connection is less secure.
  gssencmode: "PGGSSENCMODE",
  require_auth: "PGREQUIREAUTH",
  requirepeer: "PGREQUIREPEER",
  sslcrl: "PGSSLCRL",
  sslcrldir: "PGSSLCRLDIR",
  // Refused below: the file of services is libpq's alone. Without a host, PGSERVICE is refused as well.
  service: undefined,
} as const;

type Name = keyof typeof VARIABLES;

/** The parameters of a URL that have a value; an empty value counts as absent. */
export type Parameters = Readonly<Partial<Record<Name, string>>>;

/** Returns a text, or undefined when it is missing or empty. */
export function filled(text: string | null | undefined): string | undefined {
  return text === null || text === "" ? undefined : text;
}

/** Settings of the server that a URL may set by their own names: it gets them as `options` has them. */
const SETTINGS = [
  "role",
  "search_path",
  "statement_timeout",
  "lock_timeout",
  "idle_in_transaction_session_timeout",
  "idle_session_timeout",
];

/**
 * Reads the parameters of a URL that libpq or the server knows.
 *
 * Drops all others, which are meant for Prisma, a pooler or a driver: the server would refuse the connection because
 * of them.
 *
 * @throws VmstateError for one that cannot be fulfilled
 */
export function knownParameters(query: string, environment: NodeJS.ProcessEnv): Parameters {
  const given = new URLSearchParams(query);
  const parameters: Partial<Record<Name, string>> = {};
  for (const [name, variable] of Object.entries(VARIABLES) as [Name, string | undefined][]) {
    const value = filled(given.get(name)) ?? filled(variable && environment[variable]);
    if (value !== undefined) parameters[name] = value;
  }
  // ssl=true is what JDBC writes for sslmode=require; libpq reads it, too.
  if (given.get("ssl") === "true") parameters.sslmode ??= "require";
  const options = [parameters.options, ...SETTINGS.map((name) => settingOf(name, given))];
  parameters.options = options.filter((option) => option !== undefined).join(" ");
  requireFulfillable(parameters);
  return parameters;
}

function settingOf(name: string, given: URLSearchParams): string | undefined {
  const value = filled(given.get(name));
  return value === undefined ? undefined : setting(name, value);
}

/** Writes a setting as an element of `options`, and escapes its blanks. */
export function setting(name: string, value: string): string {
  return `-c ${name}=${value.replaceAll(/[\\\s]/g, "\\$&")}`;
}

const UNFULFILLABLE: Partial<Record<Name, RegExp>> = {
  gssencmode: /^require$/,
  require_auth: /./,
  requirepeer: /./,
  sslcrl: /./,
  sslcrldir: /./,
  service: /./,
};

function requireFulfillable(parameters: Parameters): void {
  for (const [name, pattern] of Object.entries(UNFULFILLABLE) as [Name, RegExp][]) {
    const value = parameters[name];
    if (value !== undefined && pattern.test(value))
      throw new VmstateError(
        `${name}=${value} is not supported: leave out ${[name, VARIABLES[name]].filter(Boolean).join(" and ")}`,
      );
  }
}

/**
 * Returns the value if it is one of `values`.
 *
 * @throws VmstateError when it is something else
 */
export function oneOf<T extends string>(name: Name, value: string, values: readonly T[]): T {
  const found = values.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw new VmstateError(
    `${name} must be ${values.slice(0, -1).join(", ")} or ${String(values.at(-1))}, not ${value}`,
  );
}

/**
 * Converts the value of a parameter to a whole number.
 *
 * @throws VmstateError when it is something else
 */
export function wholeNumber(name: Name, value: string): number {
  if (/^-?\d{1,9}$/.test(value)) return Number(value);
  throw new VmstateError(`${name} must be a whole number, not ${value}`);
}
