/** So that a run in which everything fails ends with a page of problems, not with millions of lines. */
const KEPT = 10;

/** Counts problems, and keeps the first ten. */
export class ProblemLog {
  readonly first: string[] = [];
  #count = 0;

  get count(): number {
    return this.#count;
  }

  add(line: string): void {
    if (this.#count++ < KEPT) this.first.push(line);
  }
}
