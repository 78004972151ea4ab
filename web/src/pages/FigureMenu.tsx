/* Takes a figure away: as SVG, as PNG, or as the numbers behind it. */

import type { EChartsCoreOption } from "echarts/core";
import { useEffect, useId, useRef, useState } from "react";

import { figure } from "../charts/figure";
import type { FigureText, LegendItem, Size } from "../charts/figure";
import { paperTheme } from "../charts/theme";
import type { Theme } from "../charts/theme";
import { asCsv } from "../lib/csv";
import type { Cell } from "../lib/csv";
import { fileName, save } from "../lib/save";

/** How much finer than the screen a picture is: 3 times 96 is near the 300 dots per inch that papers ask for. */
const SCALE = 3;

interface Props extends FigureText {
  /** What the file is called, first. */
  name: string;
  size: Size;
  option: (theme: Theme) => EChartsCoreOption;
  legend: (theme: Theme) => LegendItem[];
  data: () => Promise<{ head: string[]; rows: Cell[][] }>;
}

type Kind = "svg" | "png" | "csv";
const KINDS: { kind: Kind; label: string; hint: string }[] = [
  { kind: "svg", label: "SVG", hint: "lines, for papers" },
  { kind: "png", label: "PNG", hint: `pixels, ${SCALE} × as fine` },
  { kind: "csv", label: "CSV", hint: "the numbers behind" },
];

export function FigureMenu({ name, title, lines, size, option, legend, data }: Props) {
  const [isOpen, setOpen] = useState(false);
  const [busy, setBusy] = useState<Kind | null>(null);
  const [error, setError] = useState("");
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();

  useEffect(() => {
    if (!isOpen) return;
    list.current?.querySelector("button")?.focus();
  }, [isOpen]);

  const make = async (kind: Kind) => {
    const file = `${fileName(name, title)}.${kind}`;
    if (kind === "csv") {
      const { head, rows } = await data();
      save(asCsv(head, rows), file, "text/csv");
      return;
    }
    const theme = paperTheme();
    const { drawn, painted } = await import("../charts/draw");
    const made = figure(drawn(option(theme), size), size, { title, lines }, legend(theme), theme);
    if (kind === "svg") save(made.svg, file, "image/svg+xml");
    else save(await painted(made.svg, made.size, SCALE), file);
  };
  const choose = (kind: Kind) => {
    if (busy) return;
    setBusy(kind);
    setError("");
    make(kind)
      .then(() => {
        setOpen(false);
        button.current?.focus();
      })
      .catch((caught: unknown) => setError(caught instanceof Error ? caught.message : String(caught)))
      .finally(() => setBusy(null));
  };
  const move = (by: number) => {
    const all = [...(list.current?.querySelectorAll("button") ?? [])];
    const place = all.indexOf(document.activeElement as HTMLButtonElement);
    all.at((place + by + all.length) % all.length)?.focus();
  };
  return (
    <div
      className="figure-menu"
      onKeyDown={(event) => {
        if (!isOpen) return;
        if (event.key === "Escape") {
          setOpen(false);
          button.current?.focus();
        } else if (event.key === "ArrowDown") move(1);
        else if (event.key === "ArrowUp") move(-1);
        else return;
        event.preventDefault();
        event.stopPropagation();
      }}
      onBlur={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget)) setOpen(false);
      }}
    >
      <button
        ref={button}
        type="button"
        className="link"
        aria-expanded={isOpen}
        aria-controls={id}
        aria-label={`Save the figure ${title}`}
        onClick={() => setOpen(!isOpen)}
      >
        Save the figure
      </button>
      {isOpen && (
        <ul id={id} ref={list} className="figure-list">
          {KINDS.map((one) => (
            <li key={one.kind}>
              <button type="button" aria-disabled={busy !== null} onClick={() => choose(one.kind)}>
                <b>{one.label}</b> <span className="quiet">{busy === one.kind ? "making it…" : one.hint}</span>
              </button>
            </li>
          ))}
          {error && (
            <li className="field-error" role="alert">
              {error}
            </li>
          )}
        </ul>
      )}
    </div>
  );
}
