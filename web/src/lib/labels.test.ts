import { describe, expect, it } from "vitest";

import { withoutShared } from "./labels";

describe("withoutShared", () => {
  it("keeps what tells groups apart and drops what all of them say", () => {
    expect(
      withoutShared(["exact, model=mlp, hidden=[300, 300]", "topk 40 %, model=mlp, hidden=[300, 300], lr=0.1"]),
    ).toEqual(["exact", "topk 40 %, lr=0.1"]);
  });

  it("leaves a single label alone, and heads that look alike", () => {
    expect(withoutShared(["exact, model=mlp"])).toEqual(["exact, model=mlp"]);
    expect(withoutShared(["topk 40 %, lr=0.1", "topk 40 %, lr=0.2"])).toEqual([
      "topk 40 %, lr=0.1",
      "topk 40 %, lr=0.2",
    ]);
    expect(withoutShared([])).toEqual([]);
  });
});
