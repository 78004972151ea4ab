/* What a spec would save, layer by layer, before anything runs. */

import type { Plan } from "../api/client";
import { PolicyMark } from "../components/Marks";
import { count, large, percent, share } from "../lib/format";

export function PlanView({ plan, stale }: { plan: Plan | undefined; stale: boolean }) {
  if (!plan)
    return <p className="quiet">{stale ? "Counting…" : "The plan appears here when the fields are in order."}</p>;
  // A study has no layers; its steps are the pairs that it keeps.
  const size = plan.layers.length ? `${count(plan.steps)} steps` : `up to ${count(plan.steps)} pairs`;
  return (
    <div className={stale ? "stale" : ""}>
      <p className="over">Planned compute reduction</p>
      <p className="huge" data-testid="planned">
        {plan.planned_is_bound && "at least "}
        {percent(plan.planned_compute_reduction)}
      </p>
      <p className="quiet">
        {plan.planned_is_bound && "At most "}
        {large(plan.planned_macs)} of {large(plan.exact_macs)} MACs a job, {size}. Of time it says nothing: that is
        measured.
        {plan.planned_is_bound && " With a coverage fewer pairs may do, so that this is a bound."}
      </p>
      {plan.layers.length > 0 && <Layers plan={plan} />}
    </div>
  );
}

function Layers({ plan }: { plan: Plan }) {
  return (
    <table>
      <thead>
        <tr>
          <th>Layer</th>
          <th>Policy</th>
          <th className="number">Kept</th>
          <th className="number">Saved</th>
        </tr>
      </thead>
      <tbody>
        {plan.layers.map((layer) => {
          const forward = layer.products.find((one) => one.product === "forward");
          const isBound = layer.policy.coverage !== null;
          return (
            <tr key={layer.name}>
              <th scope="row">{layer.name}</th>
              <td>
                <span className="with-mark">
                  <PolicyMark policy={layer.policy.name} size={10} /> {layer.policy.name}{" "}
                  {layer.forward < 1 ? share(layer.forward) : ""}
                </span>
              </td>
              <td className="number">{forward ? `${isBound ? "at most " : ""}${count(forward.kept)} of ${count(forward.pairs)}` : "–"}</td>
              <td className="number">
                {isBound && "at least "}
                {percent(layer.reduction, 0)}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
