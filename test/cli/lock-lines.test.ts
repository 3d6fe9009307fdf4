import { expect, it } from "vitest";
import { lockLines } from "../../src/cli/output/instance-text.js";

const lock = { updaterId: "saga", updaterGeneration: 3 };
const now = new Date(1000);

it.each([
  [new Date(999), [["  lock lease", "", "expired 1970-01-01T00:00:00.999Z"]]],
  [new Date(1001), [["  lock lease", "", "until 1970-01-01T00:00:01.001Z"]]],
  [null, []],
])("the lease of an updater lock until %s is shown as %j", (updaterLeaseUntil, lease) => {
  expect(lockLines({ ...lock, updaterLeaseUntil }, now)).toEqual([
    ["  updater lock", "", "saga"],
    ["  lock generation", "", "3"],
    ...lease,
  ]);
});
