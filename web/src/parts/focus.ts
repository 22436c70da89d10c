import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** For what appears because somebody asked for it: it takes the focus once. */
export function useFocus<E extends HTMLElement>(): RefObject<E | null> {
  const ref = useRef<E>(null);
  useEffect(() => ref.current?.focus(), []);
  return ref;
}
