import { describe, expect, it } from "vitest";

import { conditionOf, fleetInWords, ranked, wanted } from "./fleet";
import type { WorkerLike } from "./fleet";

const NOW = Date.parse("2030-01-31T12:00:00Z");
const worker = (name: string, state: WorkerLike["state"], age_s = 1): WorkerLike => ({
  name,
  host: "bench",
  state,
  heartbeat_at: new Date(NOW - age_s * 1000).toISOString(),
});
const all = [
  ...[worker("w10", "idle"), worker("w2", "idle"), worker("w3", "busy")],
  ...[worker("w1", "lost", 90), worker("w4", "busy", 20)],
];

describe("workers", () => {
  it("are late when a living one's heartbeat is old", () => {
    expect(conditionOf(worker("a", "busy", 14), NOW)).toBe("busy");
    expect(conditionOf(worker("a", "busy", 16), NOW)).toBe("late");
    expect(conditionOf(worker("a", "stopped", 1000), NOW)).toBe("stopped");
    expect(conditionOf(worker("a", "lost", 1000), NOW)).toBe("lost");
  });

  it("stand in the order of who needs a person, then by number", () => {
    expect(ranked(all, NOW).map((one) => one.name)).toEqual(["w1", "w4", "w3", "w2", "w10"]);
  });

  it("are counted in words", () => {
    expect(fleetInWords(all, NOW)).toBe("5 workers: 1 busy, 2 idle, 1 late, 1 lost");
    expect(fleetInWords([worker("a", "idle")], NOW)).toBe("1 worker, idle");
    expect(fleetInWords([worker("a", "idle"), worker("b", "idle")], NOW)).toBe("2 workers, all idle");
    expect(fleetInWords([], NOW)).toBe("No worker is here");
  });

  it("leave jobs waiting for what none of them has, the most wanted first", () => {
    const queue = [{ waits_for: "a GPU" }, { waits_for: null }, { waits_for: "4 devices" }, { waits_for: "4 devices" }];
    expect(wanted(queue)).toEqual([
      ["4 devices", 2],
      ["a GPU", 1],
    ]);
  });
});
