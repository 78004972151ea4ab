import { describe, expect, it } from "vitest";

import { Baselines } from "./baselines";
import { columnsIn, metricsFor, usualColumns } from "./chosenColumns";
import { columnOf, differing } from "./columns";
import type { TableJob, Terms } from "./columns";
import { csvOf, groupsOf, nextSort, rowsOf, sortIn } from "./table";

const FACTS = [
  { name: "best_test_accuracy", label: "Test accuracy", unit: "", better: "higher" as const },
  { name: "best_test_perplexity", label: "Test perplexity", unit: "", better: "lower" as const },
  { name: "train_loss", label: "Training loss", unit: "", better: "lower" as const },
  { name: "seconds", label: "Training time", unit: "s", better: "lower" as const },
];
const NOW = Date.parse("2026-01-02T00:00:00Z");

interface Made {
  policy?: string | null;
  forward?: number;
  lr?: number;
  dataset?: string;
}

function job(id: string, seed: number, last: Record<string, number | null> = {}, made: Made = {}): TableJob & Record<string, unknown> {
  const { policy = "topk", forward = 0.5, lr = 0.1, dataset = "digits" } = made;
  return {
    id,
    seed,
    name: "",
    model: "mlp",
    dataset,
    state: "succeeded",
    tags: [],
    owner: "ada",
    priority: 0,
    created_at: `2026-01-01T00:00:${String(seed).padStart(2, "0")}Z`,
    started_at: "2026-01-01T00:00:00Z",
    finished_at: "2026-01-01T00:01:00Z",
    planned_compute_reduction: 0.5,
    progress: { step: 40, of: 40 },
    device: "cpu",
    time_caveat: null,
    summary: Object.fromEntries(Object.entries(last).map(([name, value]) => [name, { last: value }])),
    spec: {
      model: { name: "mlp" },
      dataset: { name: dataset },
      training: { optimizer: { lr } },
      approximation: policy ? [{ policy: { name: policy }, forward }] : [],
      seed,
    } as TableJob["spec"],
  };
}

const accuracy = (value: number | null) => ({ best_test_accuracy: value });
const exact = [job("e0", 0, accuracy(0.98), { policy: null }), job("e1", 1, accuracy(0.982), { policy: null })];
const topk = [job("t0", 0, accuracy(0.979)), job("t1", 1, accuracy(0.981))];
const terms = (jobs: readonly TableJob[] = [...exact, ...topk]): Terms => ({ facts: FACTS, baselines: new Baselines(jobs), now: NOW });
const cell = (id: string, jobs: readonly TableJob[], all?: readonly TableJob[]) => columnOf(id, terms(all)).of(jobs);

describe("a metric", () => {
  it("is a value of one job, and mean, spread and count of several", () => {
    expect(cell("best_test_accuracy", topk.slice(0, 1)).text).toBe("97.90");
    expect(cell("best_test_accuracy", topk)).toMatchObject({ text: "98.00 ± 0.14 (2)", n: 2 });
    expect(columnOf("best_test_accuracy", terms()).label).toBe("Test accuracy, %");
    const losses = [0.1234, 0.1256, 0.1278].map((value, i) => job(`l${i}`, i, { train_loss: value }));
    expect(cell("train_loss", losses).text).toBe("0.1256 ± 0.0022 (3)");
  });

  it("tells what is missing from what is not finite", () => {
    expect(cell("train_loss", [job("a", 0)])).toMatchObject({ text: "–", raw: null });
    expect(cell("train_loss", [job("a", 0, { train_loss: null })]).text).toBe("not finite");
    const some = [job("a", 0, { train_loss: 1 }), job("b", 1, { train_loss: null }), job("c", 2)];
    expect(cell("train_loss", some).text).toBe("1 (1) + 1 not finite");
  });

  it("counts those that succeeded; while none has, all", () => {
    const running = { ...job("r", 2, accuracy(0.5)), state: "running" };
    expect(cell("best_test_accuracy", [...topk, running])).toMatchObject({
      text: "98.00 ± 0.14 (2)",
      title: "98.00 ± 0.14 (2): of the 2 of 3 jobs that have succeeded",
    });
    expect(cell("best_test_accuracy", [running]).text).toBe("50.00");
  });
});

describe("a difference to exact", () => {
  it("has a sign, in points of a share", () => {
    expect(cell("delta.best_test_accuracy", topk).text).toBe("−0.10 ± 0.14 (2)");
    expect(cell("delta.best_test_accuracy", topk.slice(1)).text).toBe("0.00");
    expect(columnOf("delta.best_test_accuracy", terms()).label).toBe("Δ Test accuracy, points");
  });

  it("is in per cent of anything else, with a mark where times are no measure", () => {
    const base = job("e", 0, { seconds: 10 }, { policy: null });
    const twin = job("t", 0, { seconds: 12 });
    expect(cell("delta.seconds", [twin], [base, twin]).text).toBe("+20.0");
    const shared = { ...twin, time_caveat: "shared host" };
    expect(cell("delta.seconds", [shared], [base, shared]).text).toBe("+20.0 †");
  });

  it("says which is the baseline, and that there is none", () => {
    expect(cell("delta.best_test_accuracy", exact).text).toBe("baseline");
    const other = job("o", 0, accuracy(0.9), { dataset: "mnist" });
    expect(cell("delta.best_test_accuracy", [other])).toMatchObject({ text: "–", raw: null });
    const trained = job("o", 0, accuracy(0.9), { lr: 0.2 });
    expect(cell("delta.best_test_accuracy", [trained]).raw).toBeNull();
  });
});

describe("other columns", () => {
  it("say what is common, or how many there are", () => {
    expect(cell("owner", topk).text).toBe("ada");
    expect(cell("owner", [job("a", 0), { ...job("b", 1), owner: "bo" }]).text).toBe("2 owners");
    expect(cell("state", [job("a", 0), { ...job("b", 1), state: "failed" }]).text).toBe("1 succeeded, 1 failed");
    expect(cell("seed", [job("a", 2), job("b", 0), job("c", 1)]).text).toBe("0–2");
    expect(cell("created", topk).text).toBe("24 h ago");
    expect(cell("duration", topk.slice(1)).text).toBe("1 min 00 s");
  });

  it("read fields of the spec by their path", () => {
    expect(cell("training.optimizer.lr", topk)).toMatchObject({ text: "0.1", raw: 0.1 });
    expect(cell("training.optimizer.lr", [job("a", 0), job("b", 0, {}, { lr: 0.2 })]).text).toBe("0.1 | 0.2");
    expect(cell("no.such.path", topk).raw).toBeNull();
    expect(cell("toString", topk).raw).toBeNull();
  });

  it("are left out where no job differs", () => {
    const columns = ["owner", "training.optimizer.lr", "seed"].map((id) => columnOf(id, terms()));
    expect(differing(columns, topk).map(({ id }) => id)).toEqual(["seed"]);
    expect(differing(columns, topk.slice(0, 1))).toHaveLength(3);
  });
});

describe("chosen columns", () => {
  it("are the usual ones until somebody chooses", () => {
    expect(columnsIn("", topk)).toEqual(usualColumns(topk));
    expect(usualColumns(topk)).toContain("delta.best_test_accuracy");
    expect(columnsIn("state,,state,seed", topk)).toEqual(["state", "seed"]);
    expect(columnsIn("none", topk)).toEqual([]);
  });

  it("ask the service for the metrics that are shown or sorted by", () => {
    const metrics = metricsFor("state,delta.train_loss", "-seconds", FACTS);
    expect(metrics).toContain("train_loss");
    expect(metrics).toEqual([...metrics].sort());
    expect(metricsFor("training.optimizer.lr", "", FACTS)).not.toContain("training.optimizer.lr");
  });
});

describe("rows", () => {
  const jobs = [...topk, ...exact, job("u", 0, accuracy(0.9), { policy: "uniform" })];
  const rows = (changes: object = {}) =>
    rowsOf(jobs, groupsOf(jobs), { isFlat: false, sort: null, by: null, open: new Set<string>(), ...changes });
  const labels = (found: ReturnType<typeof rows>) => found.map((row) => `${row.depth ? "  " : ""}${row.label}`);

  it("are groups of the same settings, exact first; one alone is a job", () => {
    expect(labels(rows())).toEqual(["exact", "topk 50\u202f%", "uniform 50\u202f%, seed 0"]);
    expect(rows().map((row) => row.isOpen)).toEqual([false, false, null]);
  });

  it("show the members of what is open, and keep it open when others come", () => {
    const key = rows()[1]?.key ?? "";
    expect(labels(rows({ open: new Set([key]) }))).toEqual([
      "exact",
      "topk 50\u202f%",
      "  seed 0",
      "  seed 1",
      "uniform 50\u202f%, seed 0",
    ]);
    expect(groupsOf([...jobs, job("t2", 2)]).length).toBe(3);
  });

  it("are sorted by any column, what is missing last both ways", () => {
    const all = [...jobs, job("n", 0, {}, { policy: "nps" })];
    const by = columnOf("best_test_accuracy", terms());
    for (const [isFalling, first] of [
      [true, "exact"],
      [false, "uniform 50\u202f%, seed 0"],
    ] as const) {
      const sort = { by: by.id, isFalling };
      const found = rowsOf(all, groupsOf(all), { isFlat: false, sort, by, open: new Set() });
      expect(found[0]?.label).toBe(first);
      expect(found.at(-1)?.label).toBe("nps 50\u202f%, seed 0");
    }
    const flat = rows({ isFlat: true, sort: { by: "job", isFalling: true } });
    expect(flat[0]?.label).toBe("uniform 50\u202f%, seed 0");
    expect(flat).toHaveLength(5);
  });

  it("tell groups of one name apart by their settings", () => {
    const two = [job("a", 0), job("b", 0, {}, { lr: 0.2 })];
    expect(groupsOf(two).map((group) => group.label)).toEqual(["topk 50\u202f%, lr 0.1", "topk 50\u202f%, lr 0.2"]);
  });

  it("become CSV with spread and count beside the mean", () => {
    const named = [job("a", 0, accuracy(0.9)), { ...job("b", 1, accuracy(0.92)), owner: 'a "quoted", name' }];
    const columns = ["owner", "best_test_accuracy"].map((id) => columnOf(id, terms()));
    const found = rowsOf(named, groupsOf(named), { isFlat: true, sort: null, by: null, open: new Set() });
    expect(csvOf(found, columns)).toBe(
      'row,job,jobs,owner,best_test_accuracy\r\n"topk 50\u202f%, seed 0",a,1,ada,0.9\r\n"topk 50\u202f%, seed 1",b,1,"a ""quoted"", name",0.92\r\n',
    );
    const groups = rowsOf(topk, groupsOf(topk), { isFlat: false, sort: null, by: null, open: new Set() });
    expect(csvOf(groups, columns).split("\r\n")[0]).toBe("row,job,jobs,owner,best_test_accuracy,best_test_accuracy.std,best_test_accuracy.n");
    expect(csvOf(groups, columns)).toContain(",2,ada,0.98,");
  });
});

describe("sort", () => {
  it("begins with large numbers and with A, and turns round", () => {
    expect(nextSort(null, { id: "seconds", isNumber: true })).toBe("-seconds");
    expect(nextSort(null, { id: "owner", isNumber: false })).toBe("owner");
    expect(nextSort(sortIn("-seconds"), { id: "seconds", isNumber: true })).toBe("seconds");
    expect(sortIn("")).toBeNull();
  });
});
