/* What stands where there is nothing to show: nothing yet, not here yet, or a failure. */

import { Component } from "react";
import type { ReactNode } from "react";

import { Failure, isGone } from "../api/client";
import { Link } from "./Link";

export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  );
}

export function Loading({ what }: { what: string }) {
  return (
    <div className="loading" role="status">
      <span className="bar" aria-hidden="true" />
      <span className="bar short" aria-hidden="true" />
      <span className="visually-hidden">Loading {what}</span>
    </div>
  );
}

export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  if (error instanceof Failure && isGone(error)) return <Gone error={error} />;
  const title = error instanceof Failure ? error.title : "Something broke in the page";
  const detail = error instanceof Error ? error.message : String(error);
  return (
    <div className="failure" role="alert">
      <h2>{title}</h2>
      <p>{detail}</p>
      {onRetry && (
        <button className="button" onClick={onRetry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** A failure of one part of a page. What is gone as a whole is told once, by the page. */
export function PartFailed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  return isGone(error) ? null : <Failed error={error} onRetry={onRetry} />;
}

/** What was deleted, or never was. The service's advice is for who calls it by hand. */
function Gone({ error }: { error: Failure }) {
  return (
    <div className="failure" role="alert">
      <h2>Not here</h2>
      <p>
        {error.message.replace(/;.*$/s, "")}: it was deleted, or the link is wrong.{" "}
        <Link to="/compare" changes={{ sweep: null, jobs: null }}>
          Go to Compare
        </Link>
        .
      </p>
    </div>
  );
}

/** Keeps a failure of what is in it (a part of the page that did not load, say) from taking all the rest along. */
export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    return <Failed error={this.state.error} onRetry={() => location.reload()} />;
  }
}
