import { expect, it } from "vitest";

import { asTags } from "./tags";

it("reads tags between commas, each once", () => {
  expect(asTags(" paper, first try ,,paper")).toEqual(["paper", "first try"]);
  expect(asTags("  ")).toEqual([]);
});
