import { expect, it } from "vitest";

import { grouped } from "./presets";

it("groups presets by what they train, in the order in which they come", () => {
  const titles = ["MLP on MNIST, exact", "CNN on MNIST, exact", "MLP on MNIST, top-k 40 %", "Alone"];
  const found = grouped(titles.map((title) => ({ title })));
  expect(found.map(([title, presets]) => [title, presets.length])).toEqual([
    ["MLP on MNIST", 2],
    ["CNN on MNIST", 1],
    ["Alone", 1],
  ]);
  expect(grouped([])).toEqual([]);
});
