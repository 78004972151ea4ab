/* The keys of the page, in a dialog: `?` opens it, Esc closes it, and focus returns to where it was. */

import { useEffect, useRef } from "react";

interface Props {
  isOpen: boolean;
  tabs: readonly string[];
  onClose: () => void;
}

export function KeyHelp({ isOpen, tabs, onClose }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    // A modal dialog holds the focus, makes the rest inert, and gives the focus back by itself.
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  const keys: [string, string][] = [
    ["/", "search the jobs"],
    ...tabs.map((label, i): [string, string] => [String(i + 1), label]),
    ["n", "new job"],
    ["?", "these keys"],
    ["Esc", "close what lies over the page"],
  ];
  return (
    <dialog
      ref={dialog}
      className="keys"
      aria-labelledby="keys"
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
    >
      <div className="keys-body">
        <h2 id="keys">Keys</h2>
        <dl>
          {keys.map(([key, what]) => (
            <div key={key}>
              <dt>
                <kbd>{key}</kbd>
              </dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <p className="quiet">Keys rest while a field is being typed in.</p>
        <button type="button" className="button" onClick={onClose}>
          Close
        </button>
      </div>
    </dialog>
  );
}
