/** An interval as PostgreSQL keeps it: the three do not convert into each other. */
interface Interval {
  months: number;
  days: number;
  microseconds: bigint;
}

type Add = (interval: Interval, value: string) => void;

const UNITS: Record<string, Add> = {
  year: (interval, value) => (interval.months += 12 * Number(value)),
  mon: (interval, value) => (interval.months += Number(value)),
  day: (interval, value) => (interval.days += Number(value)),
  hour: (interval, value) => (interval.microseconds += 3_600_000_000n * BigInt(value)),
  min: (interval, value) => (interval.microseconds += 60_000_000n * BigInt(value)),
  sec: (interval, value) => (interval.microseconds += microsecondsOf(value)),
};

/**
 * Writes an interval as PostgreSQL does with its default `IntervalStyle`.
 *
 * Reads each of the four styles that the session may have been set to.
 */
export function intervalText(text: string): string {
  if (text.endsWith("infinity")) return text;
  return format(text.startsWith("P") ? parseIso(text) : parseOther(text));
}

function parseIso(text: string): Interval {
  const interval = { months: 0, days: 0, microseconds: 0n };
  const [date = "", time = ""] = text.split("T");
  for (const [, value = "", unit = ""] of date.matchAll(/(-?\d+)([YMD])/g))
    UNITS[{ Y: "year", M: "mon" }[unit] ?? "day"]?.(interval, value);
  for (const [, value = "", unit = ""] of time.matchAll(/(-?[\d.]+)([HMS])/g))
    UNITS[{ H: "hour", M: "min" }[unit] ?? "sec"]?.(interval, value);
  return interval;
}

/** A number with its unit, a time of day, years and months by number (`1-2`), or else a number of days. */
const PART =
  /([+-]?[\d.]+) (year|mon|day|hour|min|sec)s?|([+-]?)(\d+):(\d+):([\d.]+)|([+-]?)(\d+)-(\d+)|([+-]?\d+)/g;

function parseOther(text: string): Interval {
  const interval = { months: 0, days: 0, microseconds: 0n };
  // Of a day and a time, the SQL standard writes the sign once.
  let sign = "";
  for (const part of text.matchAll(PART)) {
    const [, value, unit = "", clockSign, hours, minutes, seconds, yearSign = "", years, months, days] = part;
    if (value !== undefined) UNITS[unit]?.(interval, value);
    else if (hours !== undefined)
      addClock(interval, clockSign === "" ? sign : clockSign, [hours, String(minutes), String(seconds)]);
    else if (years !== undefined) addAll(interval, yearSign, { year: years, mon: String(months) });
    else UNITS["day"]?.(interval, String(days));
    if (days?.startsWith("-")) sign = "-";
  }
  return text.endsWith(" ago") ? negated(interval) : interval;
}

function addClock(
  interval: Interval,
  sign: string | undefined,
  [hour = "", min = "", sec = ""]: string[],
): void {
  addAll(interval, sign, { hour, min, sec });
}

function addAll(interval: Interval, sign: string | undefined, values: Record<string, string>): void {
  for (const [unit, value] of Object.entries(values))
    UNITS[unit]?.(interval, sign === "-" ? `-${value}` : value);
}

function microsecondsOf(seconds: string): bigint {
  const [whole = "", fraction = ""] = seconds.replace(/^[+-]/, "").split(".");
  const microseconds = BigInt(whole + fraction.padEnd(6, "0"));
  return seconds.startsWith("-") ? -microseconds : microseconds;
}

function negated({ months, days, microseconds }: Interval): Interval {
  return { months: -months, days: -days, microseconds: -microseconds };
}

/** Writes an interval; a part after a negative part has its sign in any case. */
function format({ months, days, microseconds }: Interval): string {
  const named = { year: Math.trunc(months / 12), mon: months % 12, day: days };
  const parts = Object.entries(named).filter(([, value]) => value !== 0);
  const texts = parts.map(
    ([unit, value], i) => `${plusAfter(parts[i - 1]?.[1], value)}${value} ${unit}${value === 1 ? "" : "s"}`,
  );
  if (parts.length === 0 || microseconds !== 0n)
    texts.push(plusAfter(parts.at(-1)?.[1], microseconds) + clock(microseconds));
  return texts.join(" ");
}

function plusAfter(before: number | undefined, value: number | bigint): string {
  return before !== undefined && before < 0 && value > 0 ? "+" : "";
}

function clock(microseconds: bigint): string {
  const rest = microseconds < 0n ? -microseconds : microseconds;
  const seconds = rest / 1_000_000n;
  const fields = [seconds / 3600n, (seconds / 60n) % 60n, seconds % 60n];
  const fraction = String(rest % 1_000_000n)
    .padStart(6, "0")
    .replace(/0+$/, "");
  const text = fields.map((field) => String(field).padStart(2, "0")).join(":");
  return `${microseconds < 0n ? "-" : ""}${text}${fraction && `.${fraction}`}`;
}
