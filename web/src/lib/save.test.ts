import { describe, expect, it } from "vitest";

import { fileName } from "./save";

describe("a file's name", () => {
  it("has nothing in it that a file system refuses", () => {
    expect(fileName("compare", "Four policies / 50\u202f%: ../x")).toBe("compare-four-policies-50-x");
    expect(fileName("", "???")).toBe("colrow");
  });

  it("keeps other scripts and is never too long", () => {
    expect(fileName("Größe 実験")).toBe("größe-実験");
    expect(fileName("a".repeat(300))).toHaveLength(80);
  });
});
