import { describe, expect, it } from "vitest";

import { sectionsOf, withBase } from "./diff";
import type { DiffJob } from "./diff";

const FACTS = [
  { name: "test_accuracy", label: "Test accuracy", unit: "" },
  { name: "seconds", label: "Training time", unit: "s" },
];

function job(id: string, spec: object, summary: DiffJob["summary"] = {}, changes: Partial<DiffJob> = {}): DiffJob {
  return {
    id,
    state: "succeeded",
    owner: "ada",
    tags: [],
    reason: null,
    started_at: "2026-01-01T00:00:00Z",
    finished_at: "2026-01-01T00:00:30Z",
    spec,
    summary,
    planned_compute_reduction: 0.5,
    progress: { step: 40, of: 40 },
    attempts: [],
    ...changes,
  };
}

const attempt = (torch: string, number = 1) => ({
  number,
  state: "succeeded",
  worker: "w",
  host: "h",
  device: "cpu",
  device_name: "EPYC",
  device_count: 1,
  threads: 2,
  versions: { torch },
  git_revision: null,
  environment: { system: "Linux" },
  shared: false,
});

const rowIn = (sections: ReturnType<typeof sectionsOf>, name: string) =>
  sections.flatMap(({ rows }) => rows).find((row) => row.name === name);

describe("withBase", () => {
  it("puts the base at the left, and leaves the rest in order", () => {
    expect(withBase(["a", "b", "c"], "c")).toEqual(["c", "a", "b"]);
    expect(withBase(["a", "b"], "x")).toEqual(["a", "b"]);
  });
});

describe("sectionsOf", () => {
  it("marks what is other than the base, and counts what is equal", () => {
    const [spec] = sectionsOf([job("a", { lr: 0.1, name: "mlp" }), job("b", { lr: 0.2, name: "mlp" })], FACTS);
    expect(spec?.rows.map((row) => [row.name, row.isEqual])).toEqual([
      ["lr", false],
      ["name", true],
    ]);
    expect(spec?.rows[0]?.cells.map((cell) => cell.isChanged)).toEqual([false, true]);
  });

  it("tells an empty field from one that is not there", () => {
    const [spec] = sectionsOf([job("a", { x: null }), job("b", {})], FACTS);
    expect(spec?.rows[0]?.cells.map((cell) => cell.text)).toEqual(["empty", "–"]);
  });

  it("says how far results are off the base: points of a share, per cent of the rest", () => {
    const sections = sectionsOf(
      [
        job("a", {}, { test_accuracy: { last: 0.98 }, seconds: { last: 10 } }),
        job("b", {}, { test_accuracy: { last: 0.979 }, seconds: { last: 12 } }),
        job("c", {}, { test_accuracy: { last: null } }),
      ],
      FACTS,
    );
    expect(rowIn(sections, "test_accuracy")?.cells.map(({ text, off }) => [text, off])).toEqual([
      ["98.00\u202f%", ""],
      ["97.90\u202f%", "−0.10 points"],
      ["not finite", ""],
    ]);
    expect(rowIn(sections, "seconds")?.cells.map(({ text, off }) => [text, off])).toEqual([
      ["10 s", ""],
      ["12 s", "+20.0\u202f%"],
      ["–", ""],
    ]);
  });

  it("shows where the last attempt of each ran", () => {
    const sections = sectionsOf(
      [job("a", {}, {}, { attempts: [attempt("1.0"), attempt("2.0", 2)] }), job("b", {}, {}, { attempts: [attempt("2.1")] }), job("c", {})],
      FACTS,
    );
    expect(rowIn(sections, "version of torch")?.cells.map((cell) => cell.text)).toEqual(["2.0", "2.1", "–"]);
    expect(rowIn(sections, "device")?.cells[0]?.text).toBe("EPYC");
    expect(rowIn(sections, "system")?.isEqual).toBe(false);
  });

  it("says of what failed why", () => {
    const failed = job("b", {}, {}, { state: "failed", reason: { kind: "wall_time" } });
    expect(rowIn(sectionsOf([job("a", {}), failed], FACTS), "state")?.cells[1]?.text).toBe("failed, wall time");
  });
});
