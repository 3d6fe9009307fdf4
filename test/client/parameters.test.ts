import { expect, it } from "vitest";
import { arrayText, timeText } from "../../src/client/parameters.js";

it.each([
  [["a", "b c"], '{"a","b c"}'],
  [['say "no"', "back\\slash"], '{"say \\"no\\"","back\\\\slash"}'],
  [[null, undefined], "{NULL,NULL}"],
  [[true, 1], '{"true","1"}'],
  [[], "{}"],
  [null, null],
  [undefined, null],
  ["{}", '"{}"'],
])("passes an array as text with each element quoted: %j", (elements, text) => {
  expect(arrayText(elements as string[])).toBe(text);
});

it.each([
  [new Date(0), "1970-01-01T00:00:00.000Z"],
  ["now", "now"],
  [new Date(Number.NaN), "Invalid Date"],
  [null, null],
  [undefined, null],
])("passes a time as text, so that the client does not convert it: %s", (time, text) => {
  expect(timeText(time)).toBe(text);
});
