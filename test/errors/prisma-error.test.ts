import { expect, it } from "vitest";
import { driverErrorIn } from "../../src/errors/prisma-error.js";
import { isRetryable } from "../../src/errors/retryable.js";

/** An error as Prisma 7 makes it of one of its adapter. */
function prismaError(cause?: object): Error {
  return Object.assign(new Error("Raw query failed"), {
    code: "P2010",
    meta: { driverAdapterError: { cause } },
  });
}

it.each([
  ["DatabaseNotReachable", "ECONNREFUSED"],
  ["ConnectionClosed", "ECONNRESET"],
  ["SocketTimeout", "ETIMEDOUT"],
])("%s of Prisma is %s of Node, and retryable", (kind, code) => {
  expect(driverErrorIn(prismaError({ kind }))).toMatchObject({ code, message: kind });
  expect(isRetryable(prismaError({ kind }))).toBe(true);
});

it("an error of the server has its SQLSTATE, message, detail and hint", () => {
  const words = { detail: "what was found", hint: "what to do" };
  const cause = { kind: "postgres", originalCode: "40001", originalMessage: "the message", ...words };
  expect(driverErrorIn(prismaError(cause))).toMatchObject({
    code: "40001",
    message: "the message",
    ...words,
  });
  expect(isRetryable(prismaError(cause))).toBe(true);
});

it.each([
  ["of another kind", prismaError({ kind: "TlsConnectionError" })],
  ["without a cause", prismaError()],
  ["without an error of the adapter", Object.assign(new Error("no"), { code: "P2028", meta: {} })],
  ["with no meta", Object.assign(new Error("no"), { code: "P2025", meta: null })],
  ["of another library", new Error("no")],
])("there is no error of the driver in one %s", (_, error) => {
  expect(driverErrorIn(error)).toBeUndefined();
  expect(isRetryable(error)).toBe(false);
});
