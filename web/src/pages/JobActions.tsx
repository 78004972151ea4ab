/* What can be done with a job: what its state allows, and for whom it is not, the reason. */

import type { Job } from "../api/client";
import { useAction } from "../api/queries";
import { Confirm } from "../components/Confirm";
import { Link } from "../components/Link";
import { duration } from "../lib/format";
import { hasEnded } from "../lib/states";
import { navigate } from "../lib/url";

/** How long the job may run, in seconds; null: as long as it likes. */
function wallTime(job: Job): number | null {
  return (job.spec as { resources?: { wall_time_s?: number | null } }).resources?.wall_time_s ?? null;
}

interface Props {
  job: Job;
  /** Why the reader may not change it, and why they may submit nothing; "" if they may. */
  whyNot: string;
  whyNoClone: string;
}

export function Actions({ job, whyNot, whyNoClone }: Props) {
  const action = useAction(job.id);
  const remove = () => action.mutate({ action: "delete" }, { onSuccess: () => navigate("/compare") });
  const limit = job.reason?.kind === "wall_time" ? wallTime(job) : null;
  const retry = () => action.mutate({ action: "retry", ...(limit && { wallTimeS: 2 * limit }) });
  const button = (label: string, act: () => void, isAsked = false) => (
    <button
      className="button"
      disabled={action.isPending || isAsked || whyNot !== ""}
      title={whyNot || undefined}
      onClick={act}
    >
      {label}
    </button>
  );
  return (
    <div className="actions">
      {whyNoClone ? (
        <button className="button" disabled title={whyNoClone}>
          Clone
        </button>
      ) : (
        <Link to="/new" changes={{ from: job.id, preset: null }} className="button">
          Clone
        </Link>
      )}
      {job.state === "running" &&
        job.wish !== "cancel" &&
        button(
          job.wish === "pause" ? "Pausing…" : "Pause",
          () => action.mutate({ action: "pause" }),
          job.wish === "pause",
        )}
      {(job.state === "paused" || job.wish === "pause") &&
        button("Resume", () => action.mutate({ action: "resume" }))}
      {!hasEnded(job.state) &&
        button(
          job.wish === "cancel" ? "Cancelling…" : "Cancel",
          () => action.mutate({ action: "cancel" }),
          job.wish === "cancel",
        )}
      {(job.state === "failed" || job.state === "cancelled") &&
        button(limit ? `Retry with ${duration(2 * limit)}` : "Retry", retry)}
      {job.state === "running" ? (
        <button className="button" disabled title="A running job is not deleted; cancel it first.">
          Delete
        </button>
      ) : (
        <Confirm
          ask="Delete"
          question="with curves, log and checkpoints?"
          act="Delete for good"
          className="button"
          disabled={whyNot !== ""}
          isPending={action.isPending}
          onAct={remove}
        />
      )}
      {whyNot && <p className="quiet whole">{whyNot}</p>}
      {action.isError && (
        <p className="field-error" role="alert">
          {action.error.message}
        </p>
      )}
    </div>
  );
}
