import { setTimeout as pause } from "node:timers/promises";
import type { Client } from "../dist/index.js";

/** Waits until something is so. */
export async function until<R>(what: string, get: () => R | Promise<R>): Promise<NonNullable<R>> {
  const end = performance.now() + 10_000;
  for (;;) {
    const got = await get();
    if (got) return got;
    if (performance.now() > end) throw new Error(`waited in vain: ${what}`);
    await pause(5);
  }
}

/** What a document said in each version, the oldest first; `undefined` for a deletion. */
export async function versions<T>(client: Client, collection: string, id: string): Promise<(T | undefined)[]> {
  const found: (T | undefined)[] = [];
  for await (const row of client.collection<T>(collection).history(id)) found.unshift(row.doc?.value);
  return found;
}

/** A document as the server holds it, byte for byte. */
export async function bytes(url: string, path: string): Promise<string> {
  const response = await fetch(`${url}/api/${path}`);
  return response.text();
}

/** Stores a text as a document, byte for byte. */
export async function store(url: string, path: string, text: string, etag?: string): Promise<string> {
  const headers = { "Content-Type": "application/json", ...(etag && { "If-Match": etag }), "X-Actor": "bob" };
  const response = await fetch(`${url}/api/${path}`, { method: "PUT", body: text, headers });
  if (!response.ok) throw new Error(await response.text());
  return response.headers.get("etag") ?? "";
}

/** A `sleep` that notes how long it was asked to wait, and does not. */
export function noted(): { pauses: number[]; sleep: (ms: number, signal?: AbortSignal) => Promise<void> } {
  const pauses: number[] = [];
  const sleep = async (ms: number, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    pauses.push(ms);
    await pause(0);
  };
  return { pauses, sleep };
}

/** Numbers from 0 to 1 that are the same in each run (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
