import eslint from "@eslint/js";
import prettier from "eslint-config-prettier";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

/** Each folder of src/, and the folders of src/ that it may import besides itself. */
const LAYERS = {
  errors: [],
  terminal: ["errors"],
  client: ["errors"],
  kysely: ["client"],
  connection: ["errors"],
  embedded: ["errors"],
  schema: ["errors", "client", "connection"],
  testing: ["errors", "client", "connection", "embedded", "schema"],
  retry: ["errors"],
  metrics: ["errors", "client"],
  simulator: ["errors", "terminal", "client"],
  cli: ["errors", "terminal", "client", "connection", "embedded", "schema", "simulator"],
};

/** How many folders deep a file may be in a folder of src/. */
const DEPTHS = [0, 1, 2];

/** @returns {import("eslint").Linter.Config[]} */
function boundaries() {
  return [
    ...Object.entries(LAYERS).flatMap(([folder, allowed]) =>
      DEPTHS.map((depth) => importsOnly(`src/${folder}/${"*/".repeat(depth)}*.{ts,mjs}`, depth + 1, allowed)),
    ),
    importsOnly("src/index.ts", 0, ["client", "errors"]),
  ];
}

/**
 * @param {string} files
 * @param {number} up how many folders src/ is above them
 * @param {string[]} allowed
 * @returns {import("eslint").Linter.Config}
 */
function importsOnly(files, up, allowed) {
  const above = up === 0 ? "^\\./" : `^(?:\\.\\./){${up}}`;
  const folders = allowed.length === 0 ? "" : `(?!(?:${allowed.join("|")})/)`;
  const message = `${files} may import, of src/, only ${[...allowed, "its own folder"].join(", ")}.`;
  return {
    files: [files],
    rules: { "no-restricted-imports": ["error", { patterns: [{ regex: `${above}${folders}`, message }] }] },
  };
}

export default defineConfig(
  globalIgnores(["dist/", "coverage/", "test/package/consumer/"]),
  eslint.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    rules: {
      eqeqeq: "error",
      "no-restricted-exports": ["error", { restrictDefaultExports: { direct: true, named: true } }],
      "@typescript-eslint/consistent-type-definitions": "off",
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/no-import-type-side-effects": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/switch-exhaustiveness-check": [
        "error",
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    // JavaScript with types in JSDoc: the compiler checks these.
    files: ["**/*.mjs"],
    rules: {
      "no-undef": "off",
      "@typescript-eslint/explicit-module-boundary-types": "off",
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
    },
  },
  { files: ["**/*.config.{js,ts}"], rules: { "no-restricted-exports": "off" } },
  boundaries(),
  prettier,
);
