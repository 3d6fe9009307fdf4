/** Something to do at a point of the trace's clock. */
export interface Due {
  /** Seconds of the trace's clock. */
  at: number;
  /** Orders what is due at the same time. */
  index: number;
}

interface Place<T> {
  due: T;
  place: number;
}

/** Keeps things to do, and returns first what is due first; a binary heap. */
export class Schedule<T extends Due> {
  readonly #heap: T[] = [];

  /** What {@link next} will take out. */
  get first(): T | undefined {
    return this.#heap[0];
  }

  add(due: T): void {
    let place = this.#heap.length;
    for (let parent = this.#above(place); parent && isBefore(due, parent.due); parent = this.#above(place)) {
      this.#heap[place] = parent.due;
      place = parent.place;
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
    for (let child = this.#below(place); child && isBefore(child.due, due); child = this.#below(place)) {
      this.#heap[place] = child.due;
      place = child.place;
    }
    this.#heap[place] = due;
  }

  #above(child: number): Place<T> | undefined {
    const place = (child - 1) >> 1;
    const due = this.#heap[place];
    return due && { due, place };
  }

  /** Returns the earlier of two children in the heap. */
  #below(parent: number): Place<T> | undefined {
    const place = 2 * parent + 1;
    const [left, right] = [this.#heap[place], this.#heap[place + 1]];
    if (left && right && isBefore(right, left)) return { due: right, place: place + 1 };
    return left && { due: left, place };
  }
}

function isBefore(a: Due, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.index < b.index);
}
