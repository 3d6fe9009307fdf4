/** Runs at most so many tasks at a time, for one caller that begins them. */
export class TaskPool {
  readonly #size: number;
  #busy = 0;
  #failure: { error: unknown } | undefined;
  #onDone: () => void = nothing;

  constructor(size: number) {
    this.#size = size;
  }

  /**
   * Begins a task, as soon as fewer than the most are under way.
   *
   * @throws what an earlier task threw
   */
  async begin(task: () => Promise<void>): Promise<void> {
    while (this.#busy >= this.#size) await this.#done();
    this.#rethrow();
    this.#busy++;
    void this.#run(task);
  }

  /**
   * Waits until no task is under way.
   *
   * @throws what a task threw
   */
  async finish(): Promise<void> {
    await this.idle();
    this.#rethrow();
  }

  /** Waits as {@link finish} does, whatever the tasks threw. */
  async idle(): Promise<void> {
    while (this.#busy > 0) await this.#done();
  }

  async #run(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.#failure ??= { error };
    }
    this.#busy--;
    this.#onDone();
  }

  #done(): Promise<void> {
    return new Promise((resolve) => (this.#onDone = resolve));
  }

  #rethrow(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

function nothing(): void {
  // no caller waits for a task to end
}
