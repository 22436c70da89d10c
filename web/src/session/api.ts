/** Requests that the client has no method for. */
import { ProblemError, TransportError, type Problem } from "detente-client";
import { baseUrl, space } from "../place";
import { sessionFetch } from "./session";

/** The URL of something below `/api` of this space. */
export function apiUrl(names: readonly string[], query = ""): string {
  const all = [...(space.peek() ? ["spaces", space.peek() ?? ""] : []), "api", ...names];
  return baseUrl + all.map(encodeURIComponent).join("/") + query;
}

/** @throws ProblemError or TransportError, as the client does. */
export async function request(url: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await sessionFetch(url, { cache: "no-store", ...init });
  } catch (cause) {
    init.signal?.throwIfAborted();
    throw new TransportError("no answer came", init.method !== undefined, { cause });
  }
  if (!response.ok) throw new ProblemError(problemOf(response.status, await response.text()));
  return response;
}

function problemOf(status: number, text: string): Problem {
  const body = parsed(text);
  const string = (name: string) => (typeof body[name] === "string" ? body[name] : undefined);
  const title = string("title") ?? `The server answered ${status}`;
  const kind = /\/problems\/([^/?#]+)$/.exec(string("type") ?? "")?.[1] ?? String(status);
  return { kind, status, title, detail: string("detail") ?? title, body, text };
}

function parsed(text: string): Record<string, unknown> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return {};
  }
}
