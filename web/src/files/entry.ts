/** Files and folders, as the server tells of them. */
import { ProblemError } from "detente-client";
import { request, spaceUrl } from "../session/api";
import { stepsOf } from "../place";
import { author, capital } from "../session/author";

/** A file or a folder, or a version of one. */
export interface Entry {
  /** Of versions, it is empty. */
  readonly name: string;
  readonly kind: "file" | "folder" | "deleted";
  readonly type: string;
  /** In bytes; of folders 0. */
  readonly size: number;
  /** Of the content of a file, in hex. */
  readonly sha256: string;
  readonly version: number;
  /** Of a deletion, it is empty. */
  readonly etag: string;
  readonly updatedAt: string;
  readonly updatedBy: string;
}

interface EntryPage {
  readonly entries: readonly Entry[];
  readonly next: string | null;
  /** Of the folder that is listed. */
  readonly etag: string;
}

const pageEntries = 500;

/** The URL of a file, or of something that belongs to it. */
export function fileUrl(path: string, kind = "files", query = ""): string {
  return spaceUrl([kind, ...stepsOf(path)], query);
}

export function folderUrl(path: string, query = ""): string {
  return fileUrl(path, "files", `/${query}`);
}

/** Where the content of a version is, which is the same for ever. */
export function versionUrl(path: string, version: number): string {
  return historyUrl(path, `?version=${version}`);
}

function historyUrl(path: string, query: string): string {
  return fileUrl(path, "file-versions", query);
}

export async function listFolder(path: string, after: string | null, signal: AbortSignal, limit = pageEntries): Promise<EntryPage> {
  const query = new URLSearchParams({ limit: String(limit), ...(after !== null && { after }) });
  return page(folderUrl(path, `?${query}`), signal);
}

/** The versions, the newest first. */
export function listVersions(path: string, cursor: string | null, signal: AbortSignal, limit = 20): Promise<EntryPage> {
  const query = new URLSearchParams({ limit: String(limit), ...(cursor !== null && { cursor }) });
  return page(historyUrl(path, `?${query}`), signal);
}

/** The newest version, or that before another; `undefined` if there never was one. */
export async function newestVersion(path: string, signal: AbortSignal, before: number | null = null): Promise<Entry | undefined> {
  try {
    const { entries } = await listVersions(path, before === null ? null : String(before), signal, 1);
    return entries[0];
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 404) return undefined;
    throw error;
  }
}

async function page(url: string, signal: AbortSignal): Promise<EntryPage> {
  const response = await request(url, { signal });
  const { items, next } = (await response.json()) as { items: Row[]; next: string | null };
  return { entries: items.map(entryOf), next, etag: tagOf(response) };
}

/** The tag of what is stored, also if it came compressed. */
export function tagOf({ headers }: Response): string {
  return (headers.get("etag") ?? "").replace(/\+gzip"$/, '"');
}

/** As the server has it. */
interface Row extends Partial<Entry> {
  readonly kind: Entry["kind"];
  readonly version: number;
  readonly updated_at: string;
  readonly updated_by: string;
}

function entryOf({ name = "", kind, type = "", size = 0, sha256 = "", version, etag = "", updated_at, updated_by }: Row): Entry {
  return { name, kind, type, size, sha256, version, etag, updatedAt: updated_at, updatedBy: updated_by };
}

export function nameOf(path: string): string {
  return stepsOf(path).at(-1) ?? "";
}

export function parentOf(path: string): string {
  return stepsOf(path).slice(0, -1).join("/");
}

export function within(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** Who saved a version: "Ana", "You". */
export function whoSaved({ updatedBy, etag }: Entry): string {
  return capital(author({ updatedBy, doc: { etag } }));
}

/** "1.4 MiB" */
export function sizeInWords(bytes: number): string {
  const step = bytes < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(bytes) / 10));
  if (step === 0) return `${bytes} B`;
  const amount = bytes / 1024 ** step;
  return `${amount.toLocaleString(undefined, { maximumFractionDigits: amount < 10 ? 1 : 0 })} ${"KMGT"[step - 1]}iB`;
}
