const KEPT = 10;

/** Counts complaints, and keeps the first. */
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
