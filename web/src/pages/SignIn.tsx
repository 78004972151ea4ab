/* Where a login is needed: a token is pasted once, a cookie remembers it. What is typed behind it stays. */

import { useId, useState } from "react";
import type { FormEvent } from "react";

import { Failure } from "../api/client";
import { useSignIn } from "../api/queries";

/** `again`: the page is there already, and its session has ended. */
export function SignIn({ again }: { again: boolean }) {
  const id = useId();
  const [token, setToken] = useState("");
  const signIn = useSignIn();

  const submit = (event: FormEvent) => {
    event.preventDefault();
    signIn.mutate(token.trim());
  };

  return (
    <div className="sign-in" role={again ? "dialog" : undefined} aria-modal={again || undefined} aria-labelledby={`${id}-title`}>
      <form className="sign-in-form" onSubmit={submit}>
        <h1 id={`${id}-title`}>{again ? "Sign in again" : "Sign in to Colrow"}</h1>
        <p>
          {again
            ? "Your session has ended. What you typed is still there, and goes on after this."
            : (
              <>
                Paste your token. An admin makes one with <code>colrow token create</code>.
              </>
            )}
        </p>
        {/* Password managers keep a password beside a name. */}
        <input type="text" name="username" autoComplete="username" value="colrow" readOnly hidden />
        <div className="field">
          <label htmlFor={id}>Token</label>
          <input
            id={id}
            type="password"
            name="token"
            autoComplete="current-password"
            spellCheck={false}
            autoFocus
            required
            value={token}
            onChange={(event) => setToken(event.target.value)}
            {...(signIn.error ? { "aria-invalid": true, "aria-describedby": `${id}-error` } : {})}
          />
          {signIn.error && (
            <p id={`${id}-error`} className="field-error" role="alert">
              <Refused error={signIn.error} />
            </p>
          )}
        </div>
        <button className="button primary big" disabled={signIn.isPending}>
          {signIn.isPending ? "Signing in…" : "Sign in"}
        </button>
      </form>
    </div>
  );
}

/** Why a token does not do. The service's own words are for who calls it by hand. */
function Refused({ error }: { error: Error }) {
  if (!(error instanceof Failure) || error.status !== 401) return error.message;
  const ended = /has expired|was revoked/.exec(error.message)?.[0];
  return (
    <>
      {ended ? `This token ${ended}.` : "This is no token of this service."} An admin makes a new one with <code>colrow token create</code>.
    </>
  );
}
