/** Something to do at a point of the trace's clock. */
export interface Due {
  /** Seconds of the trace's clock. */
  at: number;
  /** Orders what is due at the same time. */
  index: number;
}

/** A binary heap: what is due first comes out first, in whatever order it went in. */
export class Schedule<T extends Due> {
  readonly #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** What {@link next} will take out. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  add(due: T): void {
    let place = this.#heap.length;
    for (let parent = above(place); place > 0 && isBefore(due, this.#at(parent)); parent = above(place)) {
      this.#heap[place] = this.#at(parent);
      place = parent;
    }
    this.#heap[place] = due;
  }

  next(): T | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (last !== undefined && last !== first) this.#sink(last);
    return first;
  }

  #sink(due: T): void {
    let place = 0;
    for (let child = this.#earlierChild(place); child !== undefined; child = this.#earlierChild(place)) {
      if (!isBefore(this.#at(child), due)) break;
      this.#heap[place] = this.#at(child);
      place = child;
    }
    this.#heap[place] = due;
  }

  #earlierChild(parent: number): number | undefined {
    const left = 2 * parent + 1;
    const right = left + 1;
    if (left >= this.#heap.length) return undefined;
    return right < this.#heap.length && isBefore(this.#at(right), this.#at(left)) ? right : left;
  }

  #at(place: number): T {
    return this.#heap[place] as T;
  }
}

function above(place: number): number {
  return (place - 1) >> 1;
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.index < b.index);
}
