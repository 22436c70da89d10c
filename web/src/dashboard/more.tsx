import { useEffect, useRef } from "preact/hooks";
import { Button } from "../parts/button";

/** Loads the next page when somebody has scrolled near it, or asks for it. */
export function More({ isLoading, onMore }: { readonly isLoading: boolean; readonly onMore: () => void }) {
  const element = useRef<HTMLDivElement>(null);
  const latest = useRef(onMore);
  latest.current = onMore;
  useEffect(() => {
    if (isLoading || !element.current) return;
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && latest.current(), { rootMargin: "400px" });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [isLoading]);
  return (
    <div class="actions" ref={element}>
      <Button busy={isLoading} onClick={onMore}>
        {isLoading ? "Loading …" : "Show more"}
      </Button>
    </div>
  );
}
