/** What one place hands to the next, once: what the merge view stored, or that the draft goes on without being asked. */
import type { DocumentName } from "./kept-draft";
import type { Outcome } from "./saving";

export interface Arrival {
  readonly outcome?: Outcome;
  readonly continues?: boolean;
}

let waiting: { readonly of: string; readonly arrival: Arrival } | undefined;

export function sendArrival(of: DocumentName, arrival: Arrival): void {
  waiting = { of: JSON.stringify(of), arrival };
}

export function takeArrival({ collection, id }: DocumentName): Arrival | undefined {
  const found = waiting?.of === JSON.stringify({ collection, id }) ? waiting.arrival : undefined;
  waiting = undefined;
  return found;
}
