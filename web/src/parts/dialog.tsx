import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface DialogProps {
  readonly title: string;
  /** Esc, the close button and a click beside it: all mean Cancel. */
  readonly onClose: () => void;
  /** `side`: a drawer; `wide`: for what stands side by side. */
  readonly shape?: "middle" | "side" | "wide";
  readonly children: ComponentChildren;
}

/** A modal dialog of the browser, which keeps the focus inside and gives it back. */
export function Dialog({ title, onClose, shape = "middle", children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  const closeBeside = (event: MouseEvent) => {
    if (event.target === dialog.current) onClose();
  };
  return (
    <dialog
      ref={dialog}
      class={`dialog ${shape}`}
      aria-labelledby={id}
      onMouseDown={closeBeside}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div class="dialog-body">
        <header class="dialog-head">
          <h2 id={id}>
            <bdi>{title}</bdi>
          </h2>
          <button type="button" class="button quiet close" aria-label="Close" onClick={onClose}>
            ×
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
