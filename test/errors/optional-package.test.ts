import { expect, it } from "vitest";
import { optionalPackage } from "../../src/errors/optional-package.js";

const notThere = (code: string) => () => Promise.reject(Object.assign(new Error("no"), { code }));

it.each(["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"])(
  "a package that is missing is named in one line: %s",
  async (code) => {
    await expect(optionalPackage("some-client", notThere(code))).rejects.toMatchObject({
      name: "VmstateError",
      message: "this needs the package some-client, which is not installed: npm install some-client",
    });
  },
);

it("a package that is installed and fails to load throws its own error", async () => {
  await expect(optionalPackage("some-client", notThere("EACCES"))).rejects.toMatchObject({ code: "EACCES" });
});

it("a package that is installed is loaded", async () => {
  expect((await optionalPackage("pg", () => import("pg"))).default.Pool).toBeTypeOf("function");
});
