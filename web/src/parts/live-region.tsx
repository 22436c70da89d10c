import { signal } from "@preact/signals";

const said = signal({ text: "", number: 0 });

/** Tells a screen reader, when it has finished what it is saying. */
export function say(text: string): void {
  said.value = { text, number: said.value.number + 1 };
}

/** The one live region of the page. It is there from the beginning: one that appears with its text is not read. */
export function LiveRegion() {
  const { text, number } = said.value;
  return (
    <div class="unseen" role="status" aria-live="polite">
      {/* The key makes the same text news when it is said again. */}
      <span key={number}>{text}</span>
    </div>
  );
}
