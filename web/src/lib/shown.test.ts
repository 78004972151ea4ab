import { expect, test } from "vitest";

import { rowsBetween, topsOf } from "./shown";

const tops = topsOf([30, 50, 50, 30, 50]);

test("rows stand below each other", () => {
  expect(tops).toEqual([0, 30, 80, 130, 160, 210]);
  expect(topsOf([])).toEqual([0]);
});

test("rows that are in sight by one pixel are shown", () => {
  expect(rowsBetween(tops, 0, 29, 0)).toEqual([0, 1]);
  expect(rowsBetween(tops, 29, 30, 0)).toEqual([0, 2]);
  expect(rowsBetween(tops, 30, 129, 0)).toEqual([1, 3]);
  expect(rowsBetween(tops, 80, 140, 0)).toEqual([2, 4]);
});

test("a few more are shown at either end, and none that there is not", () => {
  expect(rowsBetween(tops, 80, 100, 1)).toEqual([1, 4]);
  expect(rowsBetween(tops, 0, 1000, 9)).toEqual([0, 5]);
  expect(rowsBetween(tops, 5000, 6000, 2)).toEqual([3, 5]);
});

test("of nothing nothing is shown", () => {
  expect(rowsBetween([0], 0, 400, 6)).toEqual([0, 0]);
});
