/** Requests that the client has no method for. */
import { problemOf, ProblemError, sleep, TransportError, type Problem } from "detente-client";
import { baseUrl, space } from "../place";
import { sessionFetch } from "./session";

/** The URL of something below `/api` of this space. */
export function apiUrl(names: readonly string[], query = ""): string {
  return spaceUrl(["api", ...names], query);
}

/** The URL of something of this space. */
export function spaceUrl(names: readonly string[], query = ""): string {
  const all = [...(space.peek() ? ["spaces", space.peek() ?? ""] : []), ...names];
  return baseUrl + all.map(encodeURIComponent).join("/") + query;
}

/** How long a server that has too much to do is waited for. */
const patienceMs = 60_000;

/** @throws ProblemError or TransportError, as the client does. */
export async function request(url: string, init: RequestInit = {}, send = sessionFetch): Promise<Response> {
  for (const end = Date.now() + patienceMs; ; ) {
    const response = await attempt(url, init, send);
    if (response.ok) return response;
    const { status, headers } = response;
    const problem = problemOf({ status, headers, text: await response.text() });
    const pauseMs = pauseOf(problem);
    if (!(Date.now() + pauseMs < end)) throw new ProblemError(problem);
    await sleep(pauseMs, init.signal ?? undefined);
  }
}

/** When a server that is asked too much wants to be asked again, in milliseconds; `NaN` if that would not help. */
export function pauseOf({ status, retryAfterMs }: Problem): number {
  return (status === 429 || status === 503) && retryAfterMs !== undefined ? retryAfterMs : NaN;
}

async function attempt(url: string, init: RequestInit, send: typeof fetch): Promise<Response> {
  try {
    return await send(url, { cache: "no-store", ...init });
  } catch (cause) {
    init.signal?.throwIfAborted();
    throw new TransportError("no answer came", init.method !== undefined, { cause });
  }
}
