/* The layers of a job as sentence, picture and table: the same on their own page and on the job's. */

import { useMemo } from "react";

import type { LayerState } from "../api/client";
import { LayerBars } from "../charts/LayerBars";
import { PolicyMark } from "../components/Marks";
import { Switch } from "../components/Switch";
import { count, large, percent, share } from "../lib/format";
import { byLayer, findings, isExactOfRest, ordered, productName, savedOf } from "../lib/layering";
import type { Findings, Order } from "../lib/layering";
import { inOrder } from "../lib/policies";
import { useParam } from "../lib/url";

const ORDERS: { value: Order; label: string }[] = [
  { value: "network", label: "Network" },
  { value: "saved", label: "Saved" },
  { value: "error", label: "Error" },
];

/** Which layers save most and which err most, in a sentence. */
export function LayerAnswer({ found }: { found: Findings }) {
  const { saved, most, worst, missed } = found;
  return (
    <>
      {!most && <>No layer saves anything.</>}
      {most && most.ofSaved >= 1 && (
        <>
          <b>{most.layer}</b> alone saves: <b>{percent(most.ofOwn, 0)}</b> of its own work.
        </>
      )}
      {most && most.ofSaved < 1 && (
        <>
          <b>{most.layer}</b> saves most: <b>{percent(most.ofSaved, 0)}</b> of all that is saved, and{" "}
          {percent(most.ofOwn, 0)} of its own work.
        </>
      )}
      {worst && (
        <>
          {" "}
          The <b>{worst.product}</b> product of <b>{worst.layer}</b> errs most, by <b>{percent(worst.error)}</b>.
        </>
      )}
      <span className="answer-time">
        {saved !== null && ` All layers together save ${percent(saved)}.`}
        {missed && ` ${missed.layer} never chose ${percent(missed.share, 0)} of its pairs.`}
      </span>
    </>
  );
}

/** The same for those who can't see the picture. */
function inWords({ saved, most, worst }: Findings): string {
  const parts = [
    most ? `${most.layer} saves most, ${percent(most.ofSaved, 0)} of all that is saved` : "no layer saves anything",
    ...(worst ? [`the ${worst.product} product of ${worst.layer} errs most, by ${percent(worst.error)}`] : []),
    ...(saved === null ? [] : [`all layers together save ${percent(saved)}`]),
  ];
  return `MACs saved, error, pairs kept and coverage by layer: ${parts.join("; ")}. The table has the numbers.`;
}

export function LayerPicture({ rows }: { rows: readonly LayerState[] }) {
  const [order, setOrder] = useParam("layer-order", "network");
  const sorting = ORDERS.some((one) => one.value === order) ? (order as Order) : "network";
  const layers = useMemo(() => ordered(byLayer(rows), sorting), [rows, sorting]);
  const found = useMemo(() => findings(rows), [rows]);
  return (
    <section className="card" aria-label="Layers as a picture">
      <div className="card-head">
        <ul className="legend">
          {inOrder(rows.map((row) => row.policy)).map((policy) => (
            <li key={policy}>
              <PolicyMark policy={policy} /> {policy}
            </li>
          ))}
          <li className="quiet">error: of the approximate product at the last probe, relative to the exact one</li>
        </ul>
        <Switch legend="Order" name="layer-order" options={ORDERS} value={sorting} onChange={setOrder} />
      </div>
      <LayerBars layers={layers} found={found} label={inWords(found)} />
    </section>
  );
}

export function LayerTable({ rows }: { rows: readonly LayerState[] }) {
  return (
    <section className="card table" aria-label="Layers in numbers" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th>Layer</th>
            <th>Product</th>
            <th>Policy</th>
            <th className="number">Ratio</th>
            <th className="number">Pairs kept</th>
            <th className="number">MACs</th>
            <th className="number">MACs saved</th>
            <th className="number">Error</th>
            <th className="number">Never chosen</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={`${row.layer}/${row.product}`}>
              <th scope="row">
                {row.layer === rows[i - 1]?.layer ? <span className="visually-hidden">{row.layer}</span> : row.layer}
              </th>
              <td>{productName(row.product)}</td>
              <td>
                <span className="with-mark">
                  <PolicyMark policy={row.policy} size={10} /> {row.policy}
                </span>
              </td>
              <td className="number">{share(row.ratio)}</td>
              <td className="number">
                {row.kept === null ? "–" : `${Number(row.kept.toFixed(1))} of ${count(row.pairs)}`}
              </td>
              <td className="number">{large(row.exact_macs)}</td>
              <td className="number">
                {large(savedOf(row))} · {percent(row.exact_macs ? savedOf(row) / row.exact_macs : null)}
              </td>
              <td className="number">{percent(row.error)}</td>
              <td className="number">{percent(row.never_kept)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.some(isExactOfRest) && (
        <p className="quiet foot">
          Exact products that save MACs: a pair left out of the forward product takes no part in the gradients either, so
          that these multiply, exactly, what was kept. Their error is against the gradient of all pairs.
        </p>
      )}
    </section>
  );
}
