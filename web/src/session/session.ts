/** Who uses the page, and the client that speaks for them. */
import { computed, signal } from "@preact/signals";
import { Client } from "detente-client";
import { baseUrl, space } from "../place";
import { reached, unreachable } from "./connection";
import { keptHere, keptInTab } from "./kept";

/** What the server knows us by, if it asks for that. */
export const token = signal(keptInTab.read("token"));
/** The name that somebody gave, for servers without tokens. */
export const actor = signal(keptHere.read("actor"));
/** The name that the server knows us by, once it has told: with tokens, only a version of ours tells. */
const knownAs = signal(keptInTab.read("known as"));
export const hasToken = computed(() => token.value !== undefined);
/** Who I am in `updatedBy`; `undefined` if that is not known. */
export const me = computed(() => (hasToken.value ? knownAs.value : (actor.value ?? "anonymous")));

/** A question for a token that waits for its answer. */
export interface TokenQuestion {
  /** What the server has against the last one. */
  readonly wrong: string | undefined;
  answer(token: string | undefined): void;
}
export const tokenQuestion = signal<TokenQuestion | undefined>(undefined);
const answerMs = 10_000;
let question: Promise<string | undefined> | undefined;
let isDeclined = false;

export function setActor(name: string | undefined): void {
  actor.value = name || undefined;
  keptHere.write("actor", actor.value);
}

export function setToken(secret: string | undefined): void {
  token.value = secret;
  keptInTab.write("token", secret);
  learnName(undefined);
}

export function learnName(name: string | undefined): void {
  knownAs.value = name;
  keptInTab.write("known as", name);
}

/** Asks once for all requests that wait for it. */
export function askToken(wrong?: string): Promise<string | undefined> {
  isDeclined = false;
  question ??= new Promise<string | undefined>((resolve) => {
    tokenQuestion.value = { wrong, answer: resolve };
  }).then((secret) => {
    tokenQuestion.value = undefined;
    question = undefined;
    if (secret === undefined) isDeclined = true;
    else setToken(secret);
    return secret;
  });
  return question;
}

/** `fetch` as the person who sits here: asks for a token where the server wants one, and sends the request again. */
export const sessionFetch = asSession((input, init) => fetch(input, init));

/** Something that sends as `fetch` does, as the person who sits here. */
export function asSession(send: typeof fetch): typeof fetch {
  return async (input, given) => {
    for (let init = given; ; ) {
      const sentWith = token.value;
      const response = await sendAs(send, sentWith, input, init);
      if (response.status !== 401 || isDeclined) return response;
      // Another request may have got a token while this one was under way.
      if (token.value === sentWith && (await askToken(sentWith && wrongWith(response))) === undefined) return response;
      // Whoever looked for a token took their time, which is not the server's.
      const { signal, ...rest } = init ?? {};
      if (signal?.reason?.name === "TimeoutError") init = { ...rest, signal: AbortSignal.timeout(answerMs) };
    }
  };
}

/** What the server has against a token (RFC 6750, section 3). */
function wrongWith({ headers }: Response): string {
  return /error_description="([^"]*)/.exec(headers.get("www-authenticate") ?? "")?.[1] ?? "";
}

async function sendAs(send: typeof fetch, secret: string | undefined, input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const headers = new Headers(init?.headers);
  if (secret !== undefined) headers.set("Authorization", `Bearer ${secret}`);
  else if (actor.value !== undefined) headers.set("X-Actor", utf8(actor.value));
  try {
    const response = await send(input, { ...init, headers });
    reached();
    return response;
  } catch (error) {
    if (!init?.signal?.aborted) unreachable();
    throw error;
  }
}

// Header fields are bytes; the server reads UTF-8.
function utf8(text: string): string {
  return String.fromCharCode(...new TextEncoder().encode(text));
}

const clients = computed(() => new Client({ url: baseUrl, fetch: sessionFetch, ...(space.value && { space: space.value }) }));

/** The client of the space that is shown. */
export function client(): Client {
  return clients.value;
}
