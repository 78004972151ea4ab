import { readFileSync } from "node:fs";

import { describe, expect, it } from "vitest";

const css = readFileSync(new URL("../styles/tokens.css", import.meta.url), "utf8");
const [light = "", dark = ""] = css.split("@media (prefers-color-scheme: dark)");

function tokens(text: string): Map<string, string> {
  return new Map([...text.matchAll(/(--[\w-]+): (#[0-9a-f]{6});/g)].map((found) => [found[1] ?? "", found[2] ?? ""]));
}

/** Relative luminance, WCAG 2. */
function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((place) => {
    const share = parseInt(hex.slice(place, place + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((one, other) => other - one);
  return (high + 0.05) / (low + 0.05);
}

const TEXT: [string, string][] = [
  ...["--page", "--surface", "--raised", "--sunken", "--hover"].flatMap((ground): [string, string][] => [
    ["--ink", ground],
    ["--ink-2", ground],
    ["--ink-3", ground],
    ["--accent", ground],
    ["--bad", ground],
    ["--good", ground],
  ]),
  ["--ink-3", "--accent-soft"],
  ["--ink-2", "--accent-soft"],
  ["--on-ink", "--ink"],
  ["--warn", "--warn-soft"],
  ["--warn", "--surface"],
  ["--bad", "--bad-soft"],
  ["--busy", "--busy-soft"],
];
const POLICIES = ["exact", "topk", "nps", "uniform", "bernoulli", "wta", "meprop", "other"];
const METHODS = ["projection", "svd", "sketch", "walk"];

describe.each([
  ["light", tokens(light)],
  ["dark", new Map([...tokens(light), ...tokens(dark)])],
])("the %s theme", (_name, theme) => {
  it.each(TEXT)("has %s readable on %s", (ink, ground) => {
    expect(contrast(theme.get(ink) ?? "#000000", theme.get(ground) ?? "#000000")).toBeGreaterThanOrEqual(4.5);
  });

  it.each([...POLICIES, ...METHODS])("has the colour of %s stand out from the page", (name) => {
    const paint = theme.get(`--policy-${name}`) ?? theme.get(`--method-${name}`) ?? "#000000";
    expect(contrast(paint, theme.get("--surface") ?? "#000000")).toBeGreaterThanOrEqual(3);
    expect(contrast(paint, theme.get("--page") ?? "#000000")).toBeGreaterThanOrEqual(3);
  });
});
