import { describe, expect, it } from "vitest";
import { TaskPool } from "../../src/simulator/task-pool.js";

const done = (): Promise<void> => Promise.resolve();

describe("a pool of tasks", () => {
  it("begins no more tasks at a time than its size", async () => {
    const pool = new TaskPool(2);
    const ends: (() => void)[] = [];
    const begun: number[] = [];
    const begin = (n: number): Promise<void> =>
      pool.begin(() => {
        begun.push(n);
        return new Promise((resolve) => ends.push(resolve));
      });
    await begin(1);
    await begin(2);
    const third = begin(3);
    await Promise.resolve();
    expect(begun).toEqual([1, 2]);
    ends[0]?.();
    await third;
    expect(begun).toEqual([1, 2, 3]);
    for (const end of ends) end();
    await pool.finish();
  });

  it("lets a task end for which nobody waits", async () => {
    const pool = new TaskPool(1);
    let task = done();
    await pool.begin(() => (task = done()));
    await task;
    await new Promise(setImmediate);
    await pool.finish();
  });

  it("throws what a task threw, to the next begin and to finish", async () => {
    const pool = new TaskPool(1);
    await pool.begin(() => Promise.reject(new Error("it failed")));
    await pool.idle();
    await expect(pool.begin(done)).rejects.toThrow("it failed");
    await expect(pool.finish()).rejects.toThrow("it failed");
  });
});
