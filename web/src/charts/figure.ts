/* A figure that stands by itself, as in a paper: title, what was filtered, legend and picture in one SVG. Pure:
   the chart's SVG and words in, SVG out. */

import { SHAPES } from "../lib/policies";
import type { Shape } from "../lib/policies";

export interface LegendItem {
  label: string;
  /** As CSS says it, not a custom property: the file has no style sheet. */
  colour: string;
  shape?: Shape;
  /** A line with this dash, [] for a solid one; left out: no line. */
  dash?: readonly number[];
  opacity?: number;
}

export interface FigureText {
  title: string;
  /** What is shown of what: sweep, filter, axes, what the bars mean. */
  lines: readonly string[];
}

export interface FigureInk {
  ink: string;
  ink2: string;
  surface: string;
  font: string;
}

export interface Size {
  width: number;
  height: number;
}

const EDGE = 16;
const TITLE = { size: 15, line: 20 };
const TEXT = { size: 11, line: 15 };
const LEGEND = { size: 12, line: 18, mark: 30, gap: 14 };
/** Mean width of a letter, of its size; wide enough that nothing is cut. */
const LETTER = 0.54;
const MOST_ITEMS = 30;

/** Characters that XML has no place for, as names may hold: control characters and halves of pairs. */
const UNWRITABLE = /[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu;

const escaped = (text: string) =>
  text.replaceAll(UNWRITABLE, "\uFFFD").replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

/** Break a text where it is wider than a line, between words. */
export function wrapped(text: string, size: number, width: number): string[] {
  const most = Math.max(8, Math.floor(width / (size * LETTER)));
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/ +/)) {
    const longer = line ? `${line} ${word}` : word;
    if (line && longer.length > most) {
      lines.push(line);
      line = word;
    } else line = longer;
    while (line.length > most) {
      const letters = [...line];
      lines.push(letters.slice(0, most).join(""));
      line = letters.slice(most).join("");
    }
  }
  return line ? [...lines, line] : lines;
}

interface Placed extends LegendItem {
  x: number;
  row: number;
}

/** Put the items of a legend into rows. */
export function legendRows(items: readonly LegendItem[], width: number): Placed[] {
  const shown = items.slice(0, MOST_ITEMS);
  if (items.length > MOST_ITEMS) shown.push({ label: `and ${items.length - MOST_ITEMS} more`, colour: "none" });
  let [x, row] = [0, 0];
  return shown.map((item) => {
    const need = LEGEND.mark + item.label.length * LEGEND.size * LETTER + LEGEND.gap;
    if (x > 0 && x + need > width) [x, row] = [0, row + 1];
    const placed = { ...item, x, row };
    x += need;
    return placed;
  });
}

/** Put all of it into one SVG. `chart` is the chart's own, of this size. */
export function figure(
  chart: string,
  size: Size,
  text: FigureText,
  legend: readonly LegendItem[],
  ink: FigureInk,
): { svg: string; size: Size } {
  const inner = size.width - 2 * EDGE;
  const titles = wrapped(text.title, TITLE.size, inner);
  const lines = text.lines.filter(Boolean).flatMap((line) => wrapped(line, TEXT.size, inner));
  const items = legendRows(legend, inner);
  const rows = items.length ? (items.at(-1)?.row ?? 0) + 1 : 0;
  const titleEnd = EDGE + titles.length * TITLE.line;
  const textEnd = titleEnd + lines.length * TEXT.line;
  const legendEnd = textEnd + (rows ? 8 + rows * LEGEND.line : 0);
  const top = legendEnd + 4;
  const height = top + size.height;
  const parts = [
    ...titles.map((line, i) =>
      written(line, EDGE, EDGE + 13 + i * TITLE.line, `font-size="${TITLE.size}" font-weight="600" fill="${ink.ink}"`),
    ),
    ...lines.map((line, i) =>
      written(line, EDGE, titleEnd + 11 + i * TEXT.line, `font-size="${TEXT.size}" fill="${ink.ink2}"`),
    ),
    ...items.map((item) => marked(item, EDGE + item.x, textEnd + 8 + item.row * LEGEND.line + 9, ink)),
    chart.replace(/^[\s\S]*?<svg /, `<svg x="0" y="${top}" `),
  ];
  const head =
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="${size.width}" ` +
    `height="${height}" viewBox="0 0 ${size.width} ${height}" font-family="${escaped(ink.font)}">`;
  const about = `<title>${escaped(text.title)}</title><desc>${escaped(text.lines.filter(Boolean).join(" · "))}</desc>`;
  const ground = `<rect width="100%" height="100%" fill="${ink.surface}"/>`;
  return {
    svg: `${head}${about}${ground}${parts.join("")}</svg>`,
    size: { width: size.width, height },
  };
}

const written = (text: string, x: number, y: number, how: string) =>
  `<text x="${x}" y="${y}" ${how}>${escaped(text)}</text>`;

function marked(item: LegendItem, x: number, y: number, ink: FigureInk): string {
  const opacity = item.opacity === undefined ? "" : ` opacity="${item.opacity}"`;
  const line =
    item.dash === undefined
      ? ""
      : `<path d="M${x} ${y}h24" fill="none" stroke="${item.colour}" stroke-width="1.75"` +
        `${item.dash.length ? ` stroke-dasharray="${item.dash.join(" ")}"` : ""}${opacity}/>`;
  const shape = item.shape
    ? `<path d="${SHAPES[item.shape]}" transform="translate(${x + 6.5} ${y - 5.5}) scale(.46)" fill="${item.colour}"${opacity}/>`
    : "";
  const label = written(item.label, x + LEGEND.mark, y + 4, `font-size="${LEGEND.size}" fill="${ink.ink}"`);
  return line + shape + label;
}
