/* A secret that is shown this once: to be copied, then gone. */

import { useId, useState } from "react";

import { NO_COPY, copy } from "../lib/clipboard";

interface Props {
  label: string;
  secret: string;
  onDone: () => void;
}

export function Secret({ label, secret, onDone }: Props) {
  const id = useId();
  const [copied, setCopied] = useState<boolean | null>(null);
  return (
    <div className="banner secret" role="status">
      <label htmlFor={id}>
        <b>Shown this once.</b> {label}; copy it now, nobody can show it again.
      </label>
      <div className="inline-form">
        <input
          id={id}
          className="code"
          readOnly
          value={secret}
          autoComplete="off"
          spellCheck={false}
          onFocus={(event) => event.target.select()}
        />
        <button type="button" className="button" onClick={() => void copy(secret).then(setCopied)}>
          {copied ? "Copied" : "Copy"}
        </button>
        <button type="button" className="button" onClick={onDone}>
          Done
        </button>
      </div>
      {copied === false && <p>{NO_COPY}</p>}
    </div>
  );
}
