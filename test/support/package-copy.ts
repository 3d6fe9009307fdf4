import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { recordOf } from "../../src/schema/files.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** A copy of this package's `sql/`, `migrations/` and `package.json`, to change. */
export class PackageCopy implements Disposable {
  readonly root = mkdtempSync(join(tmpdir(), "vmstate-package-"));

  constructor() {
    for (const part of ["sql", "migrations", "package.json"])
      cpSync(join(ROOT, part), join(this.root, part), { recursive: true });
  }

  read(file: string): string {
    return readFileSync(join(this.root, file), "utf8");
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.root, file)), { recursive: true });
    writeFileSync(join(this.root, file), text);
  }

  replace(file: string, from: string, to: string): void {
    if (!this.read(file).includes(from)) throw new Error(`${file} has no ${from}`);
    this.write(file, this.read(file).replace(from, to));
  }

  remove(file: string): void {
    rmSync(join(this.root, file));
  }

  /** Removes all files of a directory. */
  clear(dir: string): void {
    for (const file of readdirSync(join(this.root, dir))) this.remove(join(dir, file));
  }

  /** The files of the migrations, in order. */
  migrations(): string[] {
    return readdirSync(join(this.root, "migrations")).sort();
  }

  /** A made-up migration. */
  migration(name: string, sql: string, breaking = false): void {
    this.write(`migrations/${name}.sql`, `${sql};\n${recordOf(name, breaking)}`);
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true });
  }
}
