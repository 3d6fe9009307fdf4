import { expect, test } from "vitest";
import { z } from "zod";
import { PACKAGE_ROOT } from "../../../src/schema/files.js";
import { readLedger } from "../../../src/schema/ledger.js";

const RELEASE = z.strictObject({
  version: z.string(),
  migrations: z.array(z.strictObject({ name: z.string(), sha256: z.string(), breaking: z.boolean() })),
  signatures: z.record(z.string(), z.array(z.string())),
});

test("sql/released.json has the form that the package reads it in", async () => {
  const ledger = await readLedger(PACKAGE_ROOT);
  expect(ledger.length).toBeGreaterThan(0);
  expect(z.array(RELEASE).parse(ledger)).toEqual(ledger);
});
