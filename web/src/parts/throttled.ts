import { useEffect, useMemo, useRef } from "preact/hooks";

/** A function that works at once, and then at most once in this time; the last call is not left out. */
export function useThrottled(work: () => void, pauseMs: number): () => void {
  const latest = useRef(work);
  latest.current = work;
  const state = useRef<{ timer?: ReturnType<typeof setTimeout> | undefined; again: boolean }>({ again: false });
  useEffect(() => () => clearTimeout(state.current.timer), []);
  return useMemo(() => {
    const run = () => {
      latest.current();
      state.current.again = false;
      state.current.timer = setTimeout(() => {
        state.current.timer = undefined;
        if (state.current.again) run();
      }, pauseMs);
    };
    return () => {
      if (state.current.timer === undefined) run();
      else state.current.again = true;
    };
  }, []);
}
