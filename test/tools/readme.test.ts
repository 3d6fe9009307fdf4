import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { createDatabase } from "../support/database.js";

const root = fileURLToPath(new URL("../../", import.meta.url));

test("the README's first example prints the output shown there", async () => {
  const readme = await readFile(`${root}README.md`, "utf8");
  const [, code, output] = /<!-- example -->\s+```js\n(.*?)```\s+```text\n(.*?)```/s.exec(readme) ?? [];
  await using db = await createDatabase();

  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", code ?? "the README has no example"],
    { cwd: root, env: { ...process.env, DATABASE_URL: db.url } },
  );

  expect(stdout).toBe(output);
});
