import { describe, expect, it } from "vitest";

import { figure, legendRows, wrapped } from "./figure";

const INK = { ink: "#000000", ink2: "#444444", surface: "#ffffff", font: "Helvetica, Arial, sans-serif" };
const CHART = '<?xml version="1.0"?><svg width="400" height="200" viewBox="0 0 400 200"><path d="M0 0"/></svg>';
const SIZE = { width: 400, height: 200 };

describe("a figure that stands by itself", () => {
  it("has title, filter and legend as text, above the chart", () => {
    const made = figure(CHART, SIZE, { title: "a < b & c", lines: ["sweep", "", "3 seeds"] }, [
      { label: "topk", colour: "#0068ad", shape: "circle", dash: [] },
    ], INK);
    expect(made.svg).toContain(">a &lt; b &amp; c</text>");
    expect(made.svg).toContain("<desc>sweep · 3 seeds</desc>");
    expect(made.svg).toContain(">topk</text>");
    const top = /<svg x="0" y="([\d.]+)" width="400" height="200"/.exec(made.svg);
    expect(Number(top?.[1])).toBeGreaterThan(60);
    expect(made.size.height).toBe(200 + Number(top?.[1]));
    expect(made.svg.startsWith("<svg xmlns=")).toBe(true);
    expect(made.svg).not.toContain("<?xml");
    expect(made.svg).not.toContain("var(");
  });

  it("is XML whatever a name holds", () => {
    const made = figure(CHART, SIZE, { title: "bell \u0007", lines: ["half \ud83d", "whole 👩"] }, [], INK);
    expect(made.svg).toContain(">bell \uFFFD</text>");
    expect(made.svg).toContain(">half \uFFFD</text>");
    expect(made.svg).toContain(">whole 👩</text>");
  });

  it("breaks long texts between words, and words that are too long", () => {
    expect(wrapped("one two three", 10, 60)).toEqual(["one two", "three"]);
    expect(wrapped("x".repeat(25), 10, 60).map((line) => line.length)).toEqual([11, 11, 3]);
    expect(wrapped("👩".repeat(8), 10, 60).join("")).toBe("👩".repeat(8));
    expect(wrapped("", 10, 60)).toEqual([]);
  });

  it("puts the legend into rows, and says how many did not fit", () => {
    const many = Array.from({ length: 40 }, (_, i) => ({ label: `policy ${i}`, colour: "#000000" }));
    const placed = legendRows(many, 300);
    expect(placed[0]).toMatchObject({ x: 0, row: 0 });
    expect(placed.every((item) => item.x === 0 || item.x + 30 + item.label.length * 6 <= 300)).toBe(true);
    expect(placed.at(-1)).toMatchObject({ label: "and 10 more" });
  });
});
