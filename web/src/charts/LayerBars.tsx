/* What each layer saves and how far off it is, as bars side by side: rows in, picture out. A table says the same in
   numbers, so to those who can't see it the picture is one sentence. */

import { Fragment } from "react";

import { large, percent } from "../lib/format";
import { keptShare, productName, savedOf } from "../lib/layering";
import type { Findings, Layer, LayerRow } from "../lib/layering";
import { look } from "../lib/policies";

interface Props {
  layers: readonly Layer[];
  found: Findings;
  label: string;
}

/** Errors up to this share fill no more than this part of the scale, so that small ones look small. */
const LEAST_ERROR = 0.1;

export function LayerBars({ layers, found, label }: Props) {
  const rows = layers.flatMap((layer) => layer.rows);
  const most = Math.max(1, ...rows.map((row) => row.exact_macs));
  const error = Math.max(LEAST_ERROR, ...rows.map((row) => row.error ?? 0));
  return (
    <div className="layer-bars" role="img" aria-label={label}>
      <div className="layer-head" aria-hidden="true">
        <span>Layer</span>
        <span>Product</span>
        <span>
          MACs saved <i>pale: all of its work</i>
        </span>
        <span>
          Error <i>to {percent(error, 0)}</i>
        </span>
        <span className="aside">Pairs kept</span>
        <span className="aside">Never chosen</span>
      </div>
      {layers.map((layer) => (
        <Fragment key={layer.name}>
          {layer.rows.map((row, i) => (
            <Row
              key={row.product}
              row={row}
              isFirst={i === 0}
              most={most}
              errorEnd={error}
              saves={found.most?.layer === row.layer}
              errs={found.worst?.layer === row.layer && found.worst.product === productName(row.product)}
            />
          ))}
        </Fragment>
      ))}
    </div>
  );
}

interface RowProps {
  row: LayerRow;
  isFirst: boolean;
  most: number;
  errorEnd: number;
  /** Whether its layer saves most, and whether it errs most. */
  saves: boolean;
  errs: boolean;
}

function Row({ row, isFirst, most, errorEnd, saves, errs }: RowProps) {
  const paint = `var(${look(row.policy).colour})`;
  const saved = savedOf(row);
  const own = row.exact_macs ? saved / row.exact_macs : null;
  const width = (share: number | null) => `${100 * Math.max(0, Math.min(1, share ?? 0))}%`;
  const bar = (share: number | null, said: string, { className = "", behind = null as number | null, stands = false } = {}) => (
    <span className={`layer-cell ${className}`}>
      <span className="track">
        {behind !== null && <span className="whole" style={{ width: width(behind), background: paint }} />}
        {share !== null && <span className="part" style={{ width: width(share), background: paint }} />}
      </span>
      <span className={stands ? "said stands" : "said"}>{said}</span>
    </span>
  );
  return (
    <div className={isFirst ? "layer-row first" : "layer-row"} aria-hidden="true">
      <span className="layer-name cut" title={row.layer}>
        {isFirst ? row.layer : ""}
      </span>
      <span className="product cut">{productName(row.product)}</span>
      {bar(saved / most, saved === 0 && row.policy === "exact" ? "exact" : `${large(saved)} · ${percent(own, 0)}`, {
        behind: row.exact_macs / most,
        stands: saves,
      })}
      {bar(row.error === null ? null : row.error / errorEnd, percent(row.error), { stands: errs })}
      {bar(keptShare(row), percent(keptShare(row), 0), { className: "aside" })}
      {bar(row.never_kept, percent(row.never_kept, 0), { className: "aside" })}
    </div>
  );
}
