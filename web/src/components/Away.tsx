import { isPassing } from "../api/client";
import { useLiveStatus } from "../api/live";
import { useTrouble } from "../api/trouble";
import { useSlow } from "../lib/slow";

/** A moment of silence is no news. */
const AFTER_MS = 2000;

/** Says that the service does not answer, that nothing is lost by it, and what to do if it lasts. */
export function Away() {
  const trouble = useTrouble();
  const isCut = useLiveStatus() === "reconnecting";
  const why = trouble && trouble.status !== 0 ? trouble.message : isCut || trouble ? "The service does not answer" : "";
  const lasting = useSlow(why, AFTER_MS);
  if (!why || !lasting) return null;
  return (
    <p className="away banner" role="status">
      <b>{why.replace(/\.?$/, ".")}</b> What is shown and what you typed stays, and{" "}
      {trouble && !isPassing(trouble) ? "is read again with the next change" : "all goes on by itself once it answers"}. If it lasts, see whether <code>colrow up</code> still runs.
    </p>
  );
}
