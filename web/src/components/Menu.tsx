import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";

/** A button that opens a panel below itself; Escape and a press elsewhere close it. Its inside is made when it opens. */
export function Menu({ label, children }: { label: string; children: ReactNode }) {
  const box = useRef<HTMLDetailsElement>(null);
  const [isOpen, setOpen] = useState(false);
  useEffect(() => {
    if (!isOpen) return;
    const press = (event: PointerEvent) => {
      if (!box.current?.contains(event.target as Node)) setOpen(false);
    };
    const hear = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      setOpen(false);
      box.current?.querySelector("summary")?.focus();
    };
    document.addEventListener("pointerdown", press);
    document.addEventListener("keydown", hear);
    return () => {
      document.removeEventListener("pointerdown", press);
      document.removeEventListener("keydown", hear);
    };
  }, [isOpen]);
  return (
    <details className="menu-box" ref={box} open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="button">{label}</summary>
      {isOpen && <div className="menu-panel">{children}</div>}
    </details>
  );
}
