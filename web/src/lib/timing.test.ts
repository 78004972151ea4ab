import { describe, expect, it } from "vitest";

import { caveatOf, footnote, marked, timeInWords, timeRatio } from "./timing";

describe("a ratio of times", () => {
  it("stands alone where nothing speaks against it", () => {
    const group = { seconds_ratio: 1.117, time_caveat: null };
    expect(timeRatio(group)).toBe("1.12\u202f×");
    expect(timeInWords(group)).toBe("1.12\u202f× the time of exact");
  });

  it("is marked where others ran beside the jobs", () => {
    const group = { seconds_ratio: 0.5, time_caveat: "shared host" };
    expect(timeRatio(group)).toBe("0.50\u202f× †");
    expect(timeInWords(group)).toBe("0.50\u202f× the time of exact (no measure: shared host)");
  });

  it("is missing, and marked, where no exact job ran on such a device", () => {
    const group = { seconds_ratio: null, time_caveat: "another device" };
    expect(timeRatio(group)).toBe("– †");
    expect(timeInWords(group)).toBe("");
  });
});

describe("the caveat of several jobs", () => {
  const job = (device: string | null, time_caveat: string | null = null) => ({ device, time_caveat });

  it("is none for jobs that had the same kind of device to themselves", () => {
    expect(caveatOf([job("A"), job("A"), job(null)])).toBeNull();
    expect(caveatOf([])).toBeNull();
  });

  it("is that of one of them, or that their devices differ", () => {
    expect(caveatOf([job("A"), job("B")])).toBe("another device");
    expect(caveatOf([job("A"), job("A", "shared host")])).toBe("shared host");
  });
});

describe("the footnote", () => {
  it("explains every caveat once", () => {
    expect(footnote([null, "shared host", "shared host", "new word"])).toBe(
      "† no measure of time: shared host (other attempts ran on the same host at the same time); new word",
    );
    expect(footnote([null])).toBe("");
    expect(marked("1 s", null)).toBe("1 s");
  });
});
