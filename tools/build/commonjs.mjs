import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** Files of dist/ that `require` loads, too: those of `exports` in package.json. */
const ENTRIES = ["index", "schema/index", "testing/index", "kysely/index", "retry/index", "metrics/index"];

/**
 * Adds dist/cjs/ for `require`: for each entry a module that is the ES module, so that nothing is loaded twice, and a copy of
 * the declarations. A compiler takes declarations for those of a CommonJS module by the package.json beside them; without the
 * copy, TypeScript before 5.8 and `node16` refuse to require the package.
 *
 * @param {string} dist
 */
export function addCommonjs(dist) {
  const target = join(dist, "cjs");
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, "package.json"), '{ "type": "commonjs" }\n');
  for (const entry of ENTRIES) {
    const file = join(target, `${entry}.js`);
    mkdirSync(dirname(file), { recursive: true });
    const path = relative(dirname(file), join(dist, `${entry}.js`));
    writeFileSync(file, `module.exports = require(${JSON.stringify(path)});\n`);
  }
  for (const file of declarationsOf(dist)) cpSync(join(dist, file), join(target, file));
}

/**
 * The declarations of the entries and all that they import, relative to `dist`.
 *
 * @param {string} dist
 * @returns {Set<string>}
 */
function declarationsOf(dist) {
  const found = new Set(ENTRIES.map((entry) => `${entry}.d.ts`));
  // A set is iterated over what is added to it meanwhile, too.
  for (const file of found) {
    const text = readFileSync(join(dist, file), "utf8");
    for (const [, path = ""] of text.matchAll(/(?:from |import\()"(\.[^"]+)\.js"/g))
      found.add(join(dirname(file), `${path}.d.ts`));
  }
  return found;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  addCommonjs(fileURLToPath(new URL("../../dist", import.meta.url)));
