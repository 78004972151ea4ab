import { describe, expect, it } from "vitest";

import { BLANK, put } from "./draft";
import { asYaml, readYaml } from "./yaml";

describe("yaml", () => {
  it("comes back as it was written, but for the seed", () => {
    expect(readYaml(asYaml(BLANK.spec))).toEqual({ spec: put(BLANK.spec, "seed", undefined), problem: null });
  });

  it("takes a policy by its name", () => {
    expect(readYaml("approximation: [{policy: topk}]").spec).toEqual({ approximation: [{ policy: { name: "topk" } }] });
  });

  it("refuses what has no end", () => {
    expect(readYaml("a: &a [*a]").problem).toContain("an alias stands for itself");
    const bomb = ["a0: &a0 [1, 1]", ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`)];
    expect(readYaml(bomb.join("\n")).problem).toContain("too many of them");
  });

  it("says at which line it can't be read", () => {
    expect(readYaml("model: {name: mlp\ntraining: 3").problem).toMatch(/^line 2: /);
    expect(readYaml("just words").problem).toContain("a spec is a mapping");
    expect(readYaml("").problem).toContain("a spec is a mapping");
  });
});
