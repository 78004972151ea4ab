/* A secret that is shown this once: to be copied, then gone. */

import { useId, useState } from "react";

interface Props {
  label: string;
  secret: string;
  onDone: () => void;
}

export function Secret({ label, secret, onDone }: Props) {
  const id = useId();
  const [copied, setCopied] = useState<"" | "yes" | "no">("");
  const copy = () => {
    // Without HTTPS a browser has no clipboard for pages; the text can still be selected.
    const done = navigator.clipboard?.writeText(secret) ?? Promise.reject(new Error("no clipboard"));
    done.then(() => setCopied("yes")).catch(() => setCopied("no"));
  };
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
        <button type="button" className="button" onClick={copy}>
          {copied === "yes" ? "Copied" : "Copy"}
        </button>
        <button type="button" className="button" onClick={onDone}>
          Done
        </button>
      </div>
      {copied === "no" && <p>The browser lets no page copy here: select the text and copy it yourself.</p>}
    </div>
  );
}
