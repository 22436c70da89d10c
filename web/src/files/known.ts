import { signal } from "@preact/signals";
import { keptInTab } from "../session/kept";

/** The space of which it is known that it has files; a server need not have any. */
export const filesIn = signal(keptInTab.read("files"));

export function learnFiles(space: string): void {
  filesIn.value = space;
  keptInTab.write("files", space);
}
