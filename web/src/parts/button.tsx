import type { ComponentChildren } from "preact";
import type { ButtonHTMLAttributes } from "preact";

interface ButtonProps extends Omit<ButtonHTMLAttributes, "children"> {
  /** `main`: what one came to do; `danger`: what takes something away; `quiet`: without a frame. */
  readonly kind?: "main" | "plain" | "danger" | "quiet";
  readonly busy?: boolean;
  readonly children: ComponentChildren;
}

export function Button({ kind = "plain", busy = false, disabled = false, children, ...rest }: ButtonProps) {
  return (
    <button type="button" {...rest} class={`button ${kind}`} disabled={disabled} aria-busy={busy}>
      {children}
    </button>
  );
}
