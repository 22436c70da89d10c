/** What is in a version of a file. */
import { request } from "../session/api";
import { versionUrl } from "./entry";

export async function contentOf(path: string, version: number, signal?: AbortSignal): Promise<Blob> {
  const response = await request(versionUrl(path, version), signal ? { signal } : {});
  return response.blob();
}

/** The first bytes of it. */
export async function beginningOf(path: string, version: number, bytes: number, signal: AbortSignal): Promise<ArrayBuffer> {
  const response = await request(versionUrl(path, version), { headers: { Range: `bytes=0-${bytes - 1}` }, signal });
  return response.arrayBuffer();
}

/** Bytes as text, if they are one: the last character may be cut off where there is more. */
export function textOf(bytes: ArrayBuffer, isCut: boolean): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: isCut });
    return text.includes("\0") ? undefined : text;
  } catch {
    return undefined;
  }
}
