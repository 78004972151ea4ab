/* What stands where there is nothing to show: nothing yet, not here yet, or a failure. */

import type { ReactNode } from "react";

import { Failure } from "../api/client";

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
