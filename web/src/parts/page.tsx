import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { moves } from "../place";

interface Crumb {
  readonly href: string;
  readonly text: string;
}

interface PageProps {
  /** The heading, and the title of the window. */
  readonly title: string;
  readonly crumbs?: readonly Crumb[];
  /** Beside the heading. */
  readonly actions?: ComponentChildren;
  /** Whether the heading takes the focus even on the first place that is loaded. */
  readonly takesFocus?: boolean;
  readonly children?: ComponentChildren;
}

/** A place: its heading takes the focus when somebody moves there, so that a screen reader begins there. */
export function Page({ title, crumbs = [], actions, takesFocus = false, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} – Detente`;
  }, [title]);
  useEffect(() => {
    if (takesFocus || moves.peek() > 0) heading.current?.focus();
  }, []);
  return (
    <main id="main">
      {crumbs.length > 0 && (
        <nav class="crumbs" aria-label="Where this is">
          {crumbs.map(({ href, text }) => (
            <a key={href} href={href}>
              <bdi>{text}</bdi>
            </a>
          ))}
        </nav>
      )}
      <header class="heading">
        <h1 tabIndex={-1} ref={heading}>
          <bdi>{title}</bdi>
        </h1>
        {actions && <div class="actions">{actions}</div>}
      </header>
      {children}
    </main>
  );
}
