import { useLiveStatus } from "../api/live";

const WORDS = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting" };

/** Says whether points flow in. */
export function LiveDot() {
  const status = useLiveStatus();
  return (
    <span className={`live ${status}`} role="status">
      <span className="dot" aria-hidden="true" />
      {WORDS[status]}
    </span>
  );
}
