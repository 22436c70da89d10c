import { useEffect, useRef } from "preact/hooks";
import { effect } from "@preact/signals";
import type { Change, WatchOptions } from "detente-client";
import { noticeOwnName } from "../session/author";
import { token } from "../session/session";

// A browser has six connections to a server for all its tabs, and a stream holds one of them. A tab that nobody
// looks at gives its own back.
const hiddenMs = 30_000;

/** Follows a feed as long as the component is shown, from now on, without gap. */
export function useFeed<T>(
  watch: (options: WatchOptions) => AsyncGenerator<Change<T>, void>,
  onChange: (change: Change<T>) => void,
  inputs: readonly unknown[],
): void {
  const latest = useRef({ watch, onChange });
  latest.current = { watch, onChange };
  useEffect(() => {
    let since = "now";
    let abort: AbortController | undefined;
    let hiding: ReturnType<typeof setTimeout> | undefined;
    const follow = async (signal: AbortSignal) => {
      for await (const change of latest.current.watch({ since, signal })) {
        if (signal.aborted) return;
        since = change.place;
        if (change.kind === "change") noticeOwnName(change.row);
        latest.current.onChange(change);
      }
    };
    const start = () => {
      clearTimeout(hiding);
      if (abort) return;
      const { signal } = (abort = new AbortController());
      // Whoever may not read the feed still has the page; it is only not live.
      follow(signal).catch(() => signal === abort?.signal && stop());
    };
    const stop = () => {
      abort?.abort();
      abort = undefined;
    };
    const turn = () => {
      if (document.visibilityState === "visible") start();
      else hiding = setTimeout(stop, hiddenMs);
    };
    // Another token may let it be read.
    const forget = effect(() => {
      token.value;
      start();
    });
    document.addEventListener("visibilitychange", turn);
    return () => {
      document.removeEventListener("visibilitychange", turn);
      clearTimeout(hiding);
      forget();
      stop();
    };
  }, inputs);
}
