import { expect, it } from "vitest";
import { VmstateError } from "../../src/errors/vmstate-error.js";
import { requireSupportedVersion } from "../../src/connection/server-version.js";

it.each(["15.18 (Debian 15.18-0+deb12u1)", "18.4", "19beta1", "100.0"])("accepts %s", (version) => {
  expect(() => requireSupportedVersion(version)).not.toThrow();
});

it.each(["14.12", "9.6.24", ""])("refuses %s", (version) => {
  expect(() => requireSupportedVersion(version)).toThrow(
    new VmstateError(`PostgreSQL 15 or newer is required; this server is ${version}`),
  );
});
