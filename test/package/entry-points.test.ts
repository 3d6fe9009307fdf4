import { expect, it } from "vitest";
import * as root from "../../src/index.js";
import * as metrics from "../../src/metrics/index.js";
import * as migrations from "../../src/schema/index.js";
import * as testing from "../../src/testing/index.js";

it.each([
  [
    "vmstate/migrate",
    migrations,
    ["VmstateError", "findDrift", "migrate", "migrationStatus", "pendingMigrations", "sqlOf"],
  ],
  ["vmstate/metrics", metrics, ["callMetrics", "instrument"]],
  [
    "vmstate/testing",
    testing,
    [
      ...[
        "VmstateError",
        "createTestDatabase",
        "creating",
        "deleted",
        "failed",
        "migrated",
        "migrating",
        "orphaned",
      ],
      ...["rebooting", "running", "starting", "stopped", "stopping", "stuck", "unwound", "unwoundMigration"],
      "updatePending",
    ],
  ],
])("%s exports its public names only", (_, module, names) => {
  expect(Object.keys(module).sort()).toEqual(names);
});

it("vmstate exports verbs, migrate, assertCompatible and error classes", () => {
  const names = [
    "beginStart",
    "vmstate",
    "fromPg",
    "fromKysely",
    "fromDrizzle",
    "fromPrisma",
    "assertCompatible",
    "VmstateError",
    "IncompatibleDatabaseError",
  ];
  expect(Object.keys(root)).toEqual(expect.arrayContaining(names));
  expect(Object.keys(root)).not.toContain("migrate");
});
