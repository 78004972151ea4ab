/* What was changed: by whom, from where, and what became of it. Read page by page, newest first. */

import type { Schemas } from "../api/client";
import { useAudit, useUsers } from "../api/people";
import { Link } from "../components/Link";
import { Failed, Loading } from "../components/States";
import { auditPlace, auditWords } from "../lib/audit";
import { useParam } from "../lib/url";

export function AuditLog() {
  const [user, setUser] = useParam("who");
  const users = useUsers(true);
  const audit = useAudit(true, user);
  const items = audit.data?.pages.flatMap((page) => page.items) ?? [];
  const names = users.data?.items.map((one) => one.name) ?? [];
  return (
    <section aria-labelledby="audit">
      <header className="page-head">
        <h2 id="audit" className="section">
          What was changed
        </h2>
        <label className="pick">
          By
          <select aria-label="By" value={user} onChange={(event) => setUser(event.target.value || null)}>
            <option value="">anybody</option>
            {user && !names.includes(user) && <option value={user}>{user}</option>}
            {names.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </header>
      {audit.isPending && <Loading what="the changes" />}
      {audit.isError && <Failed error={audit.error} onRetry={() => void audit.refetch()} />}
      {audit.data && items.length === 0 && <p className="quiet">Nothing was changed{user ? ` by ${user}` : ""}.</p>}
      {items.length > 0 && (
        <div className="card table" tabIndex={0} role="group" aria-labelledby="audit">
          <table>
            <thead>
              <tr>
                <th>When</th>
                <th>Who</th>
                <th>From</th>
                <th>What</th>
                <th className="number">Answer</th>
                <th>Detail</th>
              </tr>
            </thead>
            <tbody>
              {items.map((entry, i) => (
                <Change key={`${entry.at}/${i}`} entry={entry} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {audit.hasNextPage && (
        <button className="button more" disabled={audit.isFetchingNextPage} onClick={() => void audit.fetchNextPage()}>
          {audit.isFetchingNextPage ? "Reading…" : "Show older changes"}
        </button>
      )}
    </section>
  );
}

function Change({ entry }: { entry: Schemas["AuditEntry"] }) {
  const place = auditPlace(entry);
  const call = `${entry.method} ${entry.path}`;
  return (
    <tr className={entry.status >= 400 ? "refused" : ""}>
      <td>
        <time dateTime={entry.at}>{new Date(entry.at).toLocaleString()}</time>
      </td>
      <td className="name-of" title={entry.user ?? undefined}>
        {entry.user ?? "–"}
      </td>
      <td>{entry.address || "–"}</td>
      <td className="wraps" title={call}>
        {auditWords(entry) || <code>{call}</code>}
      </td>
      <td className="number">{entry.status}</td>
      <td className="wraps" title={entry.detail ?? undefined}>
        {place ? (
          <Link to={place.to} changes={place.changes}>
            {place.words}
          </Link>
        ) : (
          entry.detail?.replace(/^\/api\/v1\//, "")
        )}
      </td>
    </tr>
  );
}
