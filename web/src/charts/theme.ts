/* The page's colours as charts need them: read from the custom properties, again when the theme changes. */

import { useSyncExternalStore } from "react";

export interface Theme {
  ink: string;
  ink2: string;
  ink3: string;
  line: string;
  lineStrong: string;
  surface: string;
  raised: string;
  band: string;
  font: string;
  colour: (property: string) => string;
}

function read(): Theme {
  const style = getComputedStyle(document.documentElement);
  return themeOf((name) => style.getPropertyValue(name).trim());
}

/** The light theme whatever the system says, in a typeface that papers and their tools have. */
export function paperTheme(): Theme {
  const roots = [...document.styleSheets].flatMap((sheet) =>
    [...sheet.cssRules].filter((rule) => rule instanceof CSSStyleRule && rule.selectorText === ":root"),
  ) as CSSStyleRule[];
  const colour = (name: string) => roots.map((rule) => rule.style.getPropertyValue(name).trim()).find(Boolean) ?? "#000000";
  return { ...themeOf(colour), font: "Helvetica, Arial, sans-serif" };
}

function themeOf(colour: (name: string) => string): Theme {
  return {
    ink: colour("--ink"),
    ink2: colour("--ink-2"),
    ink3: colour("--ink-3"),
    line: colour("--line"),
    lineStrong: colour("--line-strong"),
    surface: colour("--surface"),
    raised: colour("--raised"),
    band: colour("--band"),
    font: colour("--font"),
    colour,
  };
}

let theme: Theme | null = null;

function subscribe(onChange: () => void): () => void {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const changed = () => {
    theme = null;
    onChange();
  };
  dark.addEventListener("change", changed);
  return () => dark.removeEventListener("change", changed);
}

/** The theme of the moment. */
export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, () => (theme ??= read()));
}
