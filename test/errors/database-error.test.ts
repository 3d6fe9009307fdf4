import { expect, it } from "vitest";
import { DatabaseError, InvalidArgumentError } from "../../src/errors/call-errors.js";
import { databaseError, requireDatabaseUrl } from "../../src/errors/database-error.js";
import { VmstateError } from "../../src/errors/vmstate-error.js";

const URL = "postgres://ann:secret@db.example:5433/fleet";

function withCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

it.each([
  [
    withCode("CONNECT_TIMEOUT", "write CONNECT_TIMEOUT"),
    "cannot reach PostgreSQL at db.example:5433: write CONNECT_TIMEOUT",
  ],
  [new Error("timeout expired"), "cannot reach PostgreSQL at db.example:5433: timeout expired"],
  [withCode("28P01", "no"), 'db.example:5433 refused user "ann": wrong password, or no such user'],
  [
    withCode("57P03", "the database system is starting up"),
    "db.example:5433: the database system is starting up",
  ],
  [
    withCode("08P01", "transaction blocks not allowed in statement pooling mode"),
    "db.example:5433: transaction blocks not allowed in statement pooling mode; connect to PostgreSQL itself, not to a pooler",
  ],
  [
    withCode("25006", "cannot execute CREATE SCHEMA in a read-only transaction"),
    'database "fleet" is read-only: cannot execute CREATE SCHEMA in a read-only transaction',
  ],
  [new Error("one\ntwo"), "db.example:5433: one"],
  ["a string", "db.example:5433: a string"],
])("explains %s", (error, message) => {
  const explained = databaseError(error, URL);
  expect(explained.message).toBe(message);
  expect(explained.cause).toBe(error);
});

it("names the first of several addresses when their common error has no message", () => {
  const errors = [
    new Error("connect ECONNREFUSED ::1:5432"),
    new Error("connect ECONNREFUSED 127.0.0.1:5432"),
  ];
  const error = Object.assign(new AggregateError(errors), { code: "ECONNREFUSED" });
  expect(databaseError(error, "postgres:///fleet").message).toBe(
    "cannot reach PostgreSQL at localhost: connect ECONNREFUSED ::1:5432",
  );
});

it("explains what a wrapper throws: by its cause, and by itself where nothing was sent", () => {
  const cause = withCode("28P01", "no");
  const failure = { verb: "requestStop", sqlState: "28P01", message: "no" };
  const refused = new DatabaseError({ ...failure, cause });
  expect(databaseError(refused, URL)).toMatchObject({
    message: 'db.example:5433 refused user "ann": wrong password, or no such user',
    cause,
  });
  const message = "requestStop: missing argument instanceId";
  const unsent = new InvalidArgumentError({ ...failure, sqlState: "VM001", message, detail: "It is an id." });
  expect(databaseError(unsent, URL)).toMatchObject({
    message: `db.example:5433: ${message}: It is an id.`,
    cause: unsent,
  });
});

it("returns a VmstateError unchanged", () => {
  const error = new VmstateError("PostgreSQL 15 or newer is required");
  expect(databaseError(error, URL)).toBe(error);
});

it.each([
  ["not a URL at all", "expected postgres://"],
  ["https://db.example/fleet", "expected postgres://"],
  ["postgres://ann:50%off@db.example/fleet", "as %25"],
])("refuses %s as a database URL", (url, problem) => {
  expect(() => requireDatabaseUrl(url)).toThrow(problem);
});
