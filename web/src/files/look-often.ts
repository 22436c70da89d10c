import { useEffect, useRef } from "preact/hooks";

const lookMs = 10_000;

/** Looks again and again while the tab is seen: the feeds of the server are of documents. */
export function useLookOften(look: () => void): void {
  const latest = useRef(look);
  latest.current = look;
  useEffect(() => {
    const lookIfSeen = () => document.visibilityState === "visible" && latest.current();
    const timer = setInterval(lookIfSeen, lookMs);
    document.addEventListener("visibilitychange", lookIfSeen);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", lookIfSeen);
    };
  }, []);
}
