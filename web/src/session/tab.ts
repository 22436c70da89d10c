/** This tab among the tabs of one browser: which of them is open, and which saved what. */
import { signal } from "@preact/signals";
import { keptHere, keptInTab } from "./kept";

type Message =
  | { readonly kind: "who is there"; readonly from: string }
  | { readonly kind: "here"; readonly from: string }
  | { readonly kind: "saved" };

interface Save {
  readonly etag: string;
  readonly tab: string;
}

const waitMs = 80;
const savesKept = 100;

let id = keptInTab.read("tab") ?? newId();
const saves = signal(readSaves());
const channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`detente ${document.baseURI}`) : undefined;
const answers = new Set<(tab: string) => void>();

channel?.addEventListener("message", ({ data }: MessageEvent<Message>) => {
  if (data.kind === "who is there") channel.postMessage({ kind: "here", from: id } satisfies Message);
  else if (data.kind === "here") for (const answer of answers) answer(data.from);
  else saves.value = readSaves();
});

/** The other tabs that are open. A tab that was duplicated has the id of the first; then this one takes another. */
async function othersOpen(): Promise<Set<string>> {
  const others = new Set<string>();
  const answer = (tab: string) => others.add(tab);
  answers.add(answer);
  channel?.postMessage({ kind: "who is there", from: id } satisfies Message);
  await new Promise((done) => setTimeout(done, waitMs));
  answers.delete(answer);
  if (others.has(id)) id = newId();
  return others;
}
export const otherTabs = othersOpen();

export function thisTab(): string {
  return id;
}

function newId(): string {
  const made = Math.random().toString(36).slice(2, 10);
  keptInTab.write("tab", made);
  return made;
}

/** Remembers that this tab saved a version, and tells the others. */
export function rememberSave(etag: string): void {
  saves.value = [...readSaves(), { etag, tab: id }].slice(-savesKept);
  keptHere.write("saves", JSON.stringify(saves.value));
  channel?.postMessage({ kind: "saved" } satisfies Message);
}

/** Which tab of this browser saved a version, if one did. */
export function savedBy(etag: string | undefined): "this tab" | "another tab" | undefined {
  const save = saves.value.find((one) => one.etag === etag);
  return save && (save.tab === id ? "this tab" : "another tab");
}

function readSaves(): readonly Save[] {
  try {
    return JSON.parse(keptHere.read("saves") ?? "[]") as Save[];
  } catch {
    return [];
  }
}
