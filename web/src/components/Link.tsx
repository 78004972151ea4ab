import type { MouseEvent, ReactNode } from "react";

import { navigate, useSearch, withChanges } from "../lib/url";
import type { Changes } from "../lib/url";

interface Props {
  to: string;
  changes?: Changes;
  className?: string;
  current?: boolean;
  label?: string;
  title?: string;
  children: ReactNode;
}

/** A link inside the page: opens without loading anew, and in another tab like any link. */
export function Link({ to, changes = {}, className, current = false, label, title, children }: Props) {
  const search = useSearch();
  const follow = (event: MouseEvent) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    navigate(to, changes);
  };
  return (
    <a
      href={to + withChanges(search, changes)}
      onClick={follow}
      className={className}
      aria-current={current ? "page" : undefined}
      aria-label={label}
      title={title}
    >
      {children}
    </a>
  );
}
