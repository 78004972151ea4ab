/* Who may come in: tokens, users with their caps, and what was changed by whom. For admins. */

import { useState } from "react";

import { Failure } from "../api/client";
import type { Schemas } from "../api/client";
import { useIssueToken, useRevokeToken, useSetCaps, useTokens, useUsers } from "../api/people";
import type { Role, Token } from "../api/people";
import { useSession } from "../api/queries";
import { Confirm } from "../components/Confirm";
import { Field } from "../components/Fields";
import { Link } from "../components/Link";
import { Secret } from "../components/Secret";
import { Empty, Failed, Loading } from "../components/States";
import { ago, count, soon } from "../lib/format";
import { AuditLog } from "./AuditLog";

export function TokensPage() {
  const session = useSession();
  if (session.isPending) return <Loading what="who you are" />;
  const who = session.data;
  if (!who) return null;
  if (who.role !== "admin") return <NotForYou who={who} />;
  return (
    <article className="page tokens">
      <header className="page-head">
        <div>
          <p className="over">Tokens and users</p>
          <h1>Who may come in, and what they may use</h1>
        </div>
      </header>
      {who.by === "loopback" && <NoLogin />}
      <Issue />
      <Tokens own={who.token_id} />
      <Users />
      <AuditLog />
    </article>
  );
}

function NotForYou({ who }: { who: Schemas["WhoAmI"] }) {
  return (
    <Empty title="Tokens are for admins">
      You are signed in as {who.user}, with the role {who.role}. An admin of this service makes tokens, revokes them and
      sets caps; ask one for a token of your own or for another role.
      {who.expires_at && ` Your token ends ${soon(who.expires_at)}.`} <Link to="/workers">See what you used</Link>.
    </Empty>
  );
}

function NoLogin() {
  return (
    <p className="banner calm" role="note">
      <b>No login is needed here.</b> Whoever reaches this service from its own machine is its admin. A token is for the
      others: for people and scripts on other machines, once the service listens there too (
      <code>colrow up --host 0.0.0.0</code>). What one submits with it is one's own. <code>colrow up --private</code>{" "}
      asks for one on this machine as well.
    </p>
  );
}

const DAY_S = 86_400;
const ENDS = [
  { value: String(7 * DAY_S), label: "in 7 days" },
  { value: String(30 * DAY_S), label: "in 30 days" },
  { value: String(90 * DAY_S), label: "in 90 days" },
  { value: String(365 * DAY_S), label: "in a year" },
  { value: "", label: "never by itself" },
];
const ROLES: { value: Role; label: string }[] = [
  { value: "viewer", label: "viewer: looks" },
  { value: "user", label: "user: also submits, and changes their own" },
  { value: "admin", label: "admin: everything" },
];

function Issue() {
  const [user, setUser] = useState("");
  const [role, setRole] = useState<Role>("user");
  const [name, setName] = useState("");
  const [ends, setEnds] = useState(String(90 * DAY_S));
  const issue = useIssueToken();
  const refused = issue.error instanceof Failure ? issue.error.errors : [];
  const errorAt = (field: string) =>
    refused
      .filter(({ loc }) => loc.replace(/^body\./, "") === field)
      .map(({ msg }) => msg)
      .join("; ");
  const placed = refused.length > 0 && refused.every(({ loc }) => /^(body\.)?(user|name|role|expires_in_s)$/.test(loc));
  const change = () => {
    if (issue.isError) issue.reset();
  };
  const submit = () => {
    if (!user.trim()) return;
    const body = { user: user.trim(), role, name: name.trim(), expires_in_s: ends ? Number(ends) : null };
    issue.mutate(body, {
      onSuccess: () => {
        setUser("");
        setName("");
      },
    });
  };
  return (
    <section aria-labelledby="issue">
      <h2 id="issue" className="section">
        Make a token
      </h2>
      {issue.data ? (
        <Secret
          label={`The token of ${issue.data.user} (${issue.data.role}), whoever has it comes in as them`}
          secret={issue.data.token}
          onDone={() => issue.reset()}
        />
      ) : (
        <form
          className="card block"
          noValidate
          aria-labelledby="issue"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <div className="fields">
            <Field label="User" error={errorAt("user")}>
              {(id, described) => (
                <input
                  id={id}
                  value={user}
                  placeholder="ada"
                  autoComplete="off"
                  autoCapitalize="off"
                  onChange={(event) => {
                    setUser(event.target.value);
                    change();
                  }}
                  {...described}
                />
              )}
            </Field>
            <Field label="Role" wide error={errorAt("role")}>
              {(id, described) => (
                <select id={id} value={role} onChange={(event) => setRole(event.target.value as Role)} {...described}>
                  {ROLES.map((one) => (
                    <option key={one.value} value={one.value}>
                      {one.label}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label="Ends" error={errorAt("expires_in_s")}>
              {(id, described) => (
                <select id={id} value={ends} onChange={(event) => setEnds(event.target.value)} {...described}>
                  {ENDS.map((one) => (
                    <option key={one.value} value={one.value}>
                      {one.label}
                    </option>
                  ))}
                </select>
              )}
            </Field>
            <Field label="What it is for" wide error={errorAt("name")}>
              {(id, described) => (
                <input
                  id={id}
                  value={name}
                  placeholder="laptop, nightly script"
                  autoComplete="off"
                  onChange={(event) => {
                    setName(event.target.value);
                    change();
                  }}
                  {...described}
                />
              )}
            </Field>
          </div>
          <div className="actions">
            <button className="button primary" disabled={!user.trim() || issue.isPending}>
              {issue.isPending ? "Making it…" : "Make the token"}
            </button>
            <span className="quiet">Its secret is shown once, right here.</span>
            {issue.isError && !placed && (
              <p className="field-error" role="alert">
                {issue.error.message}
              </p>
            )}
          </div>
        </form>
      )}
    </section>
  );
}

function Tokens({ own }: { own: string | null }) {
  const tokens = useTokens(true);
  const items = tokens.data?.pages.flatMap((page) => page.items) ?? [];
  const valid = items.filter((token) => token.state === "valid").length;
  return (
    <section aria-labelledby="tokens">
      <div className="section-row">
        <h2 id="tokens" className="section">
          Tokens
        </h2>
        {items.length > 0 && (
          <span className="quiet aside-note">
            {count(valid)} valid of {count(items.length)}
            {tokens.hasNextPage ? " shown" : ""}
          </span>
        )}
      </div>
      {tokens.isPending && <Loading what="the tokens" />}
      {tokens.isError && <Failed error={tokens.error} onRetry={() => void tokens.refetch()} />}
      {tokens.data && items.length === 0 && <p className="quiet">No token was made yet.</p>}
      {items.length > 0 && (
        <div className="card table" tabIndex={0} role="group" aria-labelledby="tokens">
          <table>
            <thead>
              <tr>
                <th>User</th>
                <th>For</th>
                <th>Role</th>
                <th>State</th>
                <th>Made</th>
                <th>Last used</th>
                <th>Ends</th>
                <th>
                  <span className="visually-hidden">Revoke</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((token) => (
                <TokenRow key={token.id} token={token} isOwn={token.id === own} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {tokens.hasNextPage && (
        <button className="button more" disabled={tokens.isFetchingNextPage} onClick={() => void tokens.fetchNextPage()}>
          {tokens.isFetchingNextPage ? "Reading…" : "Show older tokens"}
        </button>
      )}
    </section>
  );
}

const when = (time: string | null) => (time ? new Date(time).toLocaleString() : undefined);

function TokenRow({ token, isOwn }: { token: Token; isOwn: boolean }) {
  const revoke = useRevokeToken();
  const isValid = token.state === "valid";
  return (
    <tr className={isValid ? "" : "over-and-done"}>
      <th scope="row" title={token.user}>
        {token.user}
      </th>
      <td className="wraps">
        {token.name || <span className="quiet">–</span>} {isOwn && <span className="badge">yours, now</span>}
      </td>
      <td>{token.role}</td>
      <td>
        <span className={`badge token-${token.state}`}>{token.state}</span>
      </td>
      <td title={when(token.created_at)}>{ago(token.created_at)}</td>
      <td title={when(token.last_used_at)}>{token.last_used_at ? ago(token.last_used_at) : "never"}</td>
      <td title={when(token.expires_at)}>
        {token.revoked_at
          ? `revoked ${ago(token.revoked_at)}`
          : token.expires_at === null
            ? "never"
            : isValid
              ? soon(token.expires_at)
              : ago(token.expires_at)}
      </td>
      <td className="number">
        {isValid && (
          <Confirm
            ask="Revoke"
            label={`Revoke ${token.user}'s token${token.name ? ` ${token.name}` : ""}`}
            question={isOwn ? "You sign in with this one: sign yourself out for good?" : "Lock out who uses it, for good?"}
            act="Revoke it"
            isPending={revoke.isPending}
            onAct={() => revoke.mutate(token.id)}
          />
        )}
        {revoke.isError && (
          <p className="field-error" role="alert">
            {revoke.error.message}
          </p>
        )}
      </td>
    </tr>
  );
}

function Users() {
  const users = useUsers(true);
  const items = users.data?.items ?? [];
  return (
    <section aria-labelledby="users">
      <h2 id="users" className="section">
        Users and their caps
      </h2>
      {users.isPending && <Loading what="the users" />}
      {users.isError && <Failed error={users.error} onRetry={() => void users.refetch()} />}
      {users.data && items.length === 0 && (
        <p className="quiet">Nobody is known yet; users appear with their first token or job.</p>
      )}
      {items.length > 0 && (
        <div className="card table" tabIndex={0} role="group" aria-labelledby="users">
          <table>
            <thead>
              <tr>
                <th>User</th>
                <th>Known</th>
                <th className="number">Running</th>
                <th className="number">Queued</th>
                <th>At most running</th>
                <th>At most queued</th>
                <th>
                  <span className="visually-hidden">Save</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {items.map((user) => (
                <UserRow key={user.name} user={user} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {items.length > 0 && <p className="quiet note">An empty cap is the service's own setting.</p>}
    </section>
  );
}

const asText = (cap: number | null) => (cap === null ? "" : String(cap));

/** A typed cap as it is sent: what is no number goes as it stands, and the service says what is wrong. */
function asCap(text: string): number | null {
  if (text.trim() === "") return null;
  return (/^\d+$/.test(text.trim()) ? Number(text) : text) as number;
}

function UserRow({ user }: { user: Schemas["User"] }) {
  const set = useSetCaps();
  const [running, setRunning] = useState<string | null>(null);
  const [queued, setQueued] = useState<string | null>(null);
  const now = { running: running ?? asText(user.max_running), queued: queued ?? asText(user.max_queued) };
  const isChanged = now.running !== asText(user.max_running) || now.queued !== asText(user.max_queued);
  const saveCaps = () => {
    const caps = { max_running: asCap(now.running), max_queued: asCap(now.queued) };
    set.mutate(
      { name: user.name, caps },
      {
        onSuccess: () => {
          setRunning(null);
          setQueued(null);
        },
      },
    );
  };
  const cap = (label: string, value: string, change: (value: string) => void) => (
    <input
      className="number cap"
      inputMode="numeric"
      aria-label={`${label} of ${user.name}`}
      value={value}
      placeholder="setting"
      autoComplete="off"
      aria-invalid={set.isError ? true : undefined}
      onChange={(event) => {
        change(event.target.value);
        if (set.isError) set.reset();
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && isChanged) saveCaps();
      }}
    />
  );
  return (
    <tr>
      <th scope="row" title={user.name}>
        {user.name}
      </th>
      <td title={when(user.created_at)}>{ago(user.created_at)}</td>
      <td className="number">{count(user.running)}</td>
      <td className="number">{count(user.queued)}</td>
      <td>{cap("Most running", now.running, setRunning)}</td>
      <td>{cap("Most queued", now.queued, setQueued)}</td>
      <td>
        {isChanged && (
          <button className="button" disabled={set.isPending} onClick={saveCaps} aria-label={`Save the caps of ${user.name}`}>
            {set.isPending ? "Saving…" : "Save"}
          </button>
        )}
        {set.isSuccess && !isChanged && (
          <span className="quiet" role="status">
            Saved
          </span>
        )}
        {set.isError && (
          <p className="field-error" role="alert">
            {set.error instanceof Failure && set.error.errors.length
              ? set.error.errors.map(({ msg }) => msg).join("; ")
              : set.error.message}
          </p>
        )}
      </td>
    </tr>
  );
}
