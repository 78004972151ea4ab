/* A button for what can't be undone: it asks first, in its own place. */

import { useEffect, useRef, useState } from "react";

interface Props {
  /** What the button says, what is asked then, and what the button says that does it. */
  ask: string;
  question: string;
  act: string;
  keep?: string;
  label?: string;
  className?: string;
  disabled?: boolean;
  isPending: boolean;
  onAct: () => void;
}

export function Confirm({ ask, question, act, keep = "Keep", label, className = "link", disabled, isPending, onAct }: Props) {
  const [asked, setAsked] = useState(false);
  const wasAsked = useRef(false);
  const first = useRef<HTMLButtonElement>(null);
  const back = useRef<HTMLButtonElement>(null);
  // Focus goes where the question is, and returns with the answer.
  useEffect(() => {
    if (asked) back.current?.focus();
    else if (wasAsked.current) first.current?.focus();
    wasAsked.current = asked;
  }, [asked]);
  if (!asked) {
    return (
      <button
        ref={first}
        type="button"
        className={className}
        aria-label={label}
        disabled={disabled}
        onClick={() => setAsked(true)}
      >
        {ask}
      </button>
    );
  }
  return (
    <span
      className="confirm"
      role="group"
      aria-label={question}
      onKeyDown={(event) => {
        if (event.key === "Escape") setAsked(false);
      }}
    >
      {question}
      <button type="button" className="button danger" disabled={isPending} onClick={onAct}>
        {act}
      </button>
      <button ref={back} type="button" className="button" onClick={() => setAsked(false)}>
        {keep}
      </button>
    </span>
  );
}
