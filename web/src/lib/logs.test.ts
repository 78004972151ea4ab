import { describe, expect, it } from "vitest";

import { olderThan, withNewer, withOlder } from "./logs";
import type { LogPiece } from "./logs";

const WHOLE = "one\ntwo\nthree\nfour\n";
const piece = (start: number, end: number, first = 0, size = WHOLE.length): LogPiece => ({
  text: WHOLE.slice(start, end),
  start,
  next: end,
  size,
  first,
});

describe("a log", () => {
  it("is opened at its end and read on from there", () => {
    const held = withNewer(undefined, piece(4, 8, 0, 8));
    expect(held).toEqual({ text: "two\n", start: 4, end: 8, first: 0 });
    expect(withNewer(held, piece(8, 14))).toEqual({ text: "two\nthree\n", start: 4, end: 14, first: 0 });
  });

  it("stays the same object while nothing new is said", () => {
    const held = withNewer(undefined, piece(0, 8, 0, 8));
    expect(withNewer(held, piece(8, 8, 0, 8))).toBe(held);
  });

  it("begins anew where a piece does not fit its end, or it became shorter", () => {
    const held = withNewer(undefined, piece(0, 8));
    expect(withNewer(held, piece(14, 19)).start).toBe(14);
    expect(withNewer(held, { text: "", start: 3, next: 3, size: 3, first: 0 }).end).toBe(3);
  });

  it("lets whole lines go when it becomes too long", () => {
    const held = withNewer(withNewer(undefined, piece(0, 14)), piece(14, 19), 12);
    expect(held).toEqual({ text: "three\nfour\n", start: 8, end: 19, first: 0 });
  });

  it("is read back from its beginning, until nothing older is left", () => {
    const held = withNewer(undefined, piece(8, 19));
    expect(olderThan(held)).toBe(8);
    const more = withOlder(held, piece(0, 8));
    expect(more).toEqual({ text: WHOLE, start: 0, end: 19, first: 0 });
    expect(olderThan(more)).toBe(0);
    expect(withOlder(more, piece(4, 8))).toEqual(more);
  });

  it("does not offer what was dropped", () => {
    const held = withNewer(undefined, piece(8, 19, 8));
    expect(olderThan(held)).toBe(0);
  });
});
