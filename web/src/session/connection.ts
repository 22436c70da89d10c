/** Whether the server can be reached, as seen from the answers to our requests. */
import { signal } from "@preact/signals";
import { baseUrl } from "../place";

export const connection = signal<"online" | "offline">("online");
let isAsking = false;

export function reached(): void {
  connection.value = "online";
}

export function unreachable(): void {
  connection.value = "offline";
  void askUntilReached();
}

async function askUntilReached(): Promise<void> {
  if (isAsking) return;
  isAsking = true;
  for (let pauseMs = 500; connection.value === "offline"; pauseMs = Math.min(pauseMs * 2, 8000)) {
    await new Promise((done) => setTimeout(done, pauseMs));
    const answer = await fetch(`${baseUrl}healthz`, { cache: "no-store" }).catch(() => undefined);
    if (answer?.ok) reached();
  }
  isAsking = false;
}

export function watchConnection(): void {
  addEventListener("offline", unreachable);
  if (!navigator.onLine) unreachable();
}
