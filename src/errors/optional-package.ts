import { VmstateError } from "./vmstate-error.js";

/** Codes of Node for a module that is not there, loaded by `import` or by `require`. */
const MISSING = ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"];

/**
 * Loads a package that users of the wrappers alone need not install.
 *
 * @throws VmstateError that says what to install
 */
export async function optionalPackage<Module>(name: string, load: () => Promise<Module>): Promise<Module> {
  try {
    return await load();
  } catch (cause) {
    if (!MISSING.includes(String((cause as { code?: unknown }).code))) throw cause;
    throw new VmstateError(`this needs the package ${name}, which is not installed: npm install ${name}`, {
      cause,
    });
  }
}
