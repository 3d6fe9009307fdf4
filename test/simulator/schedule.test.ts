import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Due, Schedule } from "../../src/simulator/schedule.js";

const due = fc.record({ at: fc.integer({ min: 0, max: 5 }), index: fc.nat(20) });

function inOrder(dues: readonly Due[]): Due[] {
  return [...dues].sort((a, b) => a.at - b.at || a.index - b.index);
}

function takeAll(schedule: Schedule<Due>): Due[] {
  const taken: Due[] = [];
  for (let next = schedule.next(); next; next = schedule.next()) taken.push(next);
  return taken;
}

describe("Schedule", () => {
  it("returns items by time, then by index", () => {
    fc.assert(
      fc.property(fc.array(due), (dues) => {
        const schedule = new Schedule<Due>();
        for (const each of dues) schedule.add(each);
        expect(schedule.first).toEqual(inOrder(dues)[0]);
        expect(takeAll(schedule)).toEqual(inOrder(dues));
      }),
    );
  });

  it("accepts new items between returned ones", () => {
    fc.assert(
      fc.property(fc.array(due), fc.array(due), fc.nat(10), (early, late, taken) => {
        const schedule = new Schedule<Due>();
        for (const each of early) schedule.add(each);
        const first = Array.from({ length: taken }, () => schedule.next()).filter(
          (each) => each !== undefined,
        );
        for (const each of late) schedule.add(each);
        const rest = inOrder([...inOrder(early).slice(taken), ...late]);
        expect([...first, ...takeAll(schedule)]).toEqual([...inOrder(early).slice(0, taken), ...rest]);
      }),
    );
  });
});
