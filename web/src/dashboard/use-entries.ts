import type { LogEntry } from "detente-client";
import { useEffect, useRef, useState } from "preact/hooks";
import { client } from "../session/session";
import { logOptions, type Filters } from "./filters";

const pageSize = 50;

interface Entries {
  readonly entries: readonly LogEntry[];
  /** The cursor of the next page; `null` behind the last, `undefined` before the first. */
  readonly next: string | null | undefined;
  readonly error?: unknown;
}

const nothing: Entries = { entries: [], next: undefined };

/** The entries that match, as many pages of them as were asked for. */
export function useEntries(filters: Filters) {
  const [loaded, setLoaded] = useState<Entries>(nothing);
  const [isLoading, setLoading] = useState(true);
  const [round, setRound] = useState(0);
  const abort = useRef<AbortController>(new AbortController());
  const key = JSON.stringify(filters);

  const load = async (before: Entries) => {
    const { signal } = abort.current;
    setLoading(true);
    try {
      const page = await nextPage(filters, before.next ?? undefined, signal);
      if (!signal.aborted) setLoaded({ entries: [...before.entries, ...page.items], next: page.next });
    } catch (error) {
      if (!signal.aborted) setLoaded({ ...before, error });
    }
    if (!signal.aborted) setLoading(false);
  };

  useEffect(() => {
    abort.current = new AbortController();
    void load(nothing);
    return () => abort.current.abort();
  }, [key, round]);

  return {
    entries: loaded.entries,
    hasMore: typeof loaded.next === "string",
    error: loaded.error,
    isLoading,
    loadMore: () => void (!isLoading && load(loaded)),
    reload: () => setRound((before) => before + 1),
  };
}

/** A page with filters may be empty and still have a next one: goes on until there is something to show. */
async function nextPage(filters: Filters, cursor: string | undefined, signal: AbortSignal) {
  for (let at = cursor; ; ) {
    const page = await client().conflicts.list({ ...logOptions(filters), limit: pageSize, ...(at !== undefined && { cursor: at }), signal });
    if (page.items.length > 0 || page.next === null) return page;
    at = page.next;
  }
}
