import { describe, expect, it } from "vitest";

import { ago, bytes, duration, isolated, large, metric, percent, plain, points, share, soon, spread, times } from "./format";

describe("numbers in words", () => {
  it("says shares in hundredths", () => {
    expect(percent(0.6123)).toBe("61.2\u202f%");
    expect(share(0.4)).toBe("40\u202f%");
    expect(share(0.125)).toBe("12.5\u202f%");
  });

  it("puts a sign before every difference but none before zero", () => {
    expect(points(-0.0006)).toBe("−0.06");
    expect(points(0.0012)).toBe("+0.12");
    expect(points(-0.000_001)).toBe("0.00");
  });

  it("shows a dash for what is missing or not finite", () => {
    for (const say of [percent, points, share, times, large, duration, plain, metric, bytes]) {
      expect(say(null)).toBe("–");
      expect(say(Number.NaN)).toBe("–");
      expect(say(Number.POSITIVE_INFINITY)).toBe("–");
    }
  });

  it("scales large counts", () => {
    expect(large(12_400_000_000)).toBe("12.4\u202fG");
    expect(large(999)).toBe("999");
    expect(large(999_900)).toBe("1\u202fM");
    expect(bytes(12 * 1024 ** 2)).toBe("12 MiB");
  });

  it("keeps small and huge values of a metric readable", () => {
    expect(metric(0.00001234)).toBe("1.23e−5");
    expect(metric(0.12345)).toBe("0.1235");
    expect(metric(12345)).toBe("12,345");
  });

  it("says mean, spread and count; a single one has no spread", () => {
    expect(spread({ mean: 0.98123, std: 0.0011, n: 5 })).toBe("98.12 ± 0.11 (5)");
    expect(spread({ mean: 0.98123, std: 0, n: 1 })).toBe("98.12 (1)");
    expect(spread({ mean: null, std: null, n: 0 })).toBe("–");
  });
});

describe("times in words", () => {
  it("chooses the unit by size", () => {
    expect(duration(0.42)).toBe("0.4 s");
    expect(duration(42.4)).toBe("42 s");
    expect(duration(62)).toBe("1 min 02 s");
    expect(duration(3671)).toBe("1 h 01 min");
    expect(duration(200_000)).toBe("2 d 7 h");
  });

  it("counts back from now", () => {
    const now = Date.parse("2026-01-01T00:01:00Z");
    expect(ago("2026-01-01T00:00:58Z", now)).toBe("just now");
    expect(ago("2026-01-01T00:00:18Z", now)).toBe("42 s ago");
    expect(ago(null, now)).toBe("–");
  });

  it("says about when something will be, and that it cannot be told", () => {
    const now = Date.parse("2026-01-01T00:00:00Z");
    expect(soon("2025-12-31T23:59:58Z", now)).toBe("any moment");
    expect(soon("2026-01-01T00:01:00Z", now)).toBe("in a minute");
    expect(soon("2026-01-01T00:12:10Z", now)).toBe("in 12 min");
    expect(soon("2026-01-01T05:00:00Z", now)).toBe("in 5 h");
    expect(soon("2026-01-05T00:00:00Z", now)).toBe("in 4 days");
    expect(soon(null, now)).toBe("unknown");
  });
});

describe("a name amid other text", () => {
  it("is isolated where its letters may run the other way", () => {
    expect(isolated("plain (1)")).toBe("plain (1)");
    expect(isolated("")).toBe("");
    expect(isolated("שם 1")).toBe("\u2068שם 1\u2069");
    expect(isolated("turned \u202eround")).toBe("\u2068turned \u202eround\u2069");
  });
});
