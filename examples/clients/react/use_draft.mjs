import { useCallback, useEffect, useState, useSyncExternalStore } from 'react';

/** What a person edits, begun from the current version; `undefined` until it is read. */
export function useDraft(collection, id) {
  const [draft, setDraft] = useState();
  useEffect(() => {
    const left = new AbortController();
    collection.edit(id, { signal: left.signal }).then(setDraft, (error) => {
      if (!left.signal.aborted) setDraft(() => { throw error; });
    });
    return () => left.abort();
  }, [collection, id]);
  return draft;
}

/** The draft as it is now. The component is shown again whenever it changes. */
export function useDraftState(draft) {
  const subscribe = useCallback((listener) => draft.subscribe(listener), [draft]);
  return useSyncExternalStore(subscribe, () => draft.getSnapshot());
}

/** Tells the draft what others save, as long as it is shown. */
export function useLive(collection, draft) {
  useEffect(() => {
    const left = new AbortController();
    void follow(collection, draft, left.signal);
    return () => left.abort();
  }, [collection, draft]);
}

async function follow(collection, draft, signal) {
  // First the newest version, should it have come since the draft was read.
  for await (const change of collection.watch({ id: draft.id, since: '0', latest: true, signal })) {
    if (change.kind === 'change') draft.learn(change.row);
  }
}
