import fc from "fast-check";

/** For each type, values at its edges and beyond them, as text. */
export const edges: Readonly<Record<string, readonly string[]>> = {
  "pg_catalog.uuid": each(
    "00000000-0000-0000-0000-000000000000|ffffffff-ffff-ffff-ffff-ffffffffffff",
    "0000000-0000-0000-0000-000000000000|00000000-0000-0000-0000-0000000000000|vm-1|{|urn:uuid:1|",
  ),
  "pg_catalog.bool": each("yes|maybe|2|TRUE |"),
  "pg_catalog.int4": integers(),
  "pg_catalog.int8": integers(),
  "pg_catalog.xid8": integers(),
  "pg_catalog.inet": each(
    "0.0.0.0|255.255.255.255|::ffff:10.0.0.1|10.0.0.0/8|::/0|fd00::1/64|10.0.0.1/33|fe80::1%eth0",
    "256.1.1.1|1.2.3|10|localhost|fd00::1::2|10.0.0.1:80|[::1]|",
  ),
  "pg_catalog.interval": each(
    "0|-1 second|0.0000001 seconds|100 years|101 years|178000000 years|-178000000 years|infinity|-infinity",
    "1 month -30 days|1 month -29 days|-1 month 31 days|1 day -24 hours|2147483647 months|2147483648 months",
    "P1Y2M|PT-0S|1e400 seconds|9223372036854 seconds|NaN|soon|",
  ),
  "pg_catalog.timestamptz": each(
    "infinity|-infinity|294276-12-31 23:59:59.999999+00|294277-01-01|4713-01-01 00:00:00+00 BC|4715-01-01 BC",
    "epoch|now|tomorrow|0001-01-01|0000-01-01|2024-02-30|2024-13-01|2024-12-31 23:59:60Z|2024-01-01 25:00",
    "2024-01-01 Mars/Olympus|+010000-01-01T00:00:00.000Z|-000001-01-01T00:00:00.000Z|1700000000000|soon|",
  ),
};

function integers(): string[] {
  return each(
    "0|-1|1|65535|65536|2147483647|2147483648|-2147483649|9007199254740991|9007199254740992",
    "9223372036854775807|9223372036854775808|-9223372036854775808",
    "1.5|1e3|NaN|Infinity|-0| 7 |0x1F|1_000|٣|+1|--1|1;select 1|",
  );
}

/** Names and other text that break concatenated SQL, or that careless code cuts off. */
export const words = fc.oneof(
  fc.constantFrom(...each("| |'|\"|''|\\|\\'|$1|$$|%|%s%L%I%n|null|NULL|{}|()|\0|a\0b|a\nb|\u2028|${1}")),
  fc.constantFrom(
    "'; drop table vmstate.instance; --",
    "'||no_such_column||'",
    "');commit;--",
    '"; select 1; --',
  ),
  fc.constantFrom(...each("👩‍👩‍👧|\u202eabc|\ufeffabc|ﷺ|\ud800|İi"), "𝄞".repeat(63), "x".repeat(5_000)),
  fc
    .constantFrom("x", "é", "e\u0301")
    .chain((unit) => fc.integer({ min: 31, max: 64 }).map((n) => unit.repeat(n))),
  fc.string({ unit: "binary", maxLength: 80 }),
);

export const huge = fc.constantFrom("x", "é", "'", "9").map((unit) => unit.repeat(1_000_000));

function each(...lists: readonly string[]): string[] {
  return lists.join("|").split("|");
}
