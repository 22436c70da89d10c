/** All uploads of this tab. They go on when somebody moves to another place of the page. */
import { effect, signal } from "@preact/signals";
import { Upload } from "./upload";
import { within } from "./entry";

const atOnce = 3;

export const uploads = signal<readonly Upload[]>([]);

export function enqueue(added: readonly Upload[]): void {
  uploads.value = [...uploads.peek(), ...added];
}

/** Puts files into a folder, where nothing of their names may be. */
export function uploadInto(folder: string, files: readonly Incoming[]): void {
  enqueue(files.map(({ path, file }) => new Upload(within(folder, path), file)));
}

/** Forgets those that nothing is left to say of. */
export function clearUploads(): void {
  uploads.value = uploads.peek().filter((upload) => upload.isOpen);
}

effect(() => {
  const all = uploads.value.map((upload) => ({ upload, kind: upload.state.value.kind }));
  const free = atOnce - all.filter(({ kind }) => kind === "sending").length;
  const next = all.filter(({ kind }) => kind === "waiting").slice(0, Math.max(0, free));
  if (next.length > 0) queueMicrotask(() => next.forEach(({ upload }) => upload.state.peek().kind === "waiting" && void upload.start()));
});

addEventListener("beforeunload", (event) => {
  if (uploads.peek().some((upload) => upload.isOpen)) event.preventDefault();
});

/** A file, and its path from where it was dropped. */
export interface Incoming {
  readonly path: string;
  readonly file: File;
}

/** What was dropped: files, and those in folders. */
export async function filesOf(data: DataTransfer): Promise<Incoming[]> {
  // Both are gone as soon as something is waited for.
  const entries = [...data.items].map((item) => item.webkitGetAsEntry());
  const files = [...data.files];
  if (!entries.some((entry) => entry?.isDirectory)) return files.map((file) => ({ path: file.name, file }));
  return (await Promise.all(entries.map((entry) => (entry ? filesBelow(entry) : [])))).flat();
}

async function filesBelow(entry: FileSystemEntry): Promise<Incoming[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => (entry as FileSystemFileEntry).file(resolve, reject));
    return [{ path: entry.fullPath.slice(1), file }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: Incoming[] = [];
  for (;;) {
    // A browser gives some of them at a time, and then none.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return found;
    found.push(...(await Promise.all(some.map(filesBelow))).flat());
  }
}
