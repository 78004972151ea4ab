import { useEffect, useRef } from "react";
import type { ReactNode } from "react";

/** A button that opens a panel below itself; Escape and a press elsewhere close it. */
export function Menu({ label, className = "", children }: { label: string; className?: string; children: ReactNode }) {
  const box = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const press = (event: PointerEvent) => {
      if (box.current?.open && !box.current.contains(event.target as Node)) box.current.open = false;
    };
    const hear = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || !box.current?.open) return;
      box.current.open = false;
      box.current.querySelector("summary")?.focus();
    };
    document.addEventListener("pointerdown", press);
    document.addEventListener("keydown", hear);
    return () => {
      document.removeEventListener("pointerdown", press);
      document.removeEventListener("keydown", hear);
    };
  }, []);
  return (
    <details className={`menu-box ${className}`} ref={box}>
      <summary className="button">{label}</summary>
      <div className="menu-panel">{children}</div>
    </details>
  );
}
