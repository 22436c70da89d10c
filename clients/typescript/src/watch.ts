import type { Row } from "./core/doc.js";
import { isObject } from "./core/pointer.js";
import { ProblemError } from "./core/problem.js";
import { problemOf, string } from "./core/refusal.js";
import { Pace } from "./core/retry.js";
import { slice } from "./core/json_text.js";
import { rowOf } from "./core/snapshot.js";
import type { CallOptions, Transport } from "./core/transport.js";

export interface WatchOptions extends CallOptions {
  /** A place in the feed to go on from; `now` if absent, `0` for everything. */
  readonly since?: string;
  /** Only the newest version of each document. */
  readonly latest?: boolean;
  /** `last`: deletions carry the document that was deleted. */
  readonly include?: "last";
  /** After how many milliseconds without a byte the connection counts as broken; 45000 if absent, three times the server's pause. */
  readonly silentMs?: number;
}

/** What a feed tells. `place` is where to go on from: keep it if a copy is kept. */
export type Change<T = unknown> =
  | {
      /**
       * `open`: connected, for the first time or again. `reset`: the log is another one, since an older copy of the store
       * was put back; everything is told from its beginning, and a copy must be emptied.
       */
      readonly kind: "open" | "reset";
      readonly place: string;
    }
  | {
      readonly kind: "change";
      readonly place: string;
      readonly collection: string;
      readonly row: Row<T>;
      /** JSON Pointers of what the version changed, if the server says so. */
      readonly paths?: string[];
      /** The document that was deleted, if that was asked for. */
      readonly lastData?: T;
    };

/**
 * Follows a feed until the signal is aborted or the loop is left. A connection that breaks is opened again, and goes on
 * after the last change that was told, without gap or repeat.
 *
 * @throws ProblemError if the server refuses.
 */
export async function* watch<T>(
  transport: Transport,
  path: readonly string[],
  { since = "now", latest, include, silentMs = 45_000, signal }: WatchOptions,
): AsyncGenerator<Change<T>, void> {
  const left = new AbortController();
  const ended = signal ? AbortSignal.any([signal, left.signal]) : left.signal;
  const query = { since, latest: latest?.toString(), include };
  let place: string | undefined;
  const { policy, random, sleep } = transport.pace(ended);
  // A feed has no end by which it must have succeeded.
  const pace = new Pace({ ...policy, withinMs: Infinity }, random, sleep, ended);
  try {
    while (!ended.aborted) {
      const silence = new Silence(silentMs);
      let leastMs = 0;
      try {
        const headers = { Accept: "text/event-stream", "Last-Event-ID": place };
        const response = await transport.open({ method: "GET", path, query, headers }, AbortSignal.any([ended, silence.signal]));
        if (!response.ok || !response.body) await refuse(response);
        pace.answered();
        let isOpen = false;
        for await (const event of events(response.body as ReadableStream<Uint8Array>, silence)) {
          place = event.id ?? place;
          const at = place ?? since;
          if (!isOpen && event.name !== "reset") yield { kind: "open", place: at };
          isOpen = true;
          const change = changeOf<T>(event, at);
          if (change) yield change;
        }
      } catch (error) {
        if (error instanceof ProblemError) throw error;
        if (ended.aborted) break;
        if (error instanceof Busy) leastMs = error.afterMs;
      } finally {
        silence.end();
      }
      await pace.failed(leastMs);
    }
  } catch (error) {
    if (!ended.aborted || error instanceof ProblemError) throw error;
  } finally {
    left.abort();
  }
}

/** Aborts its signal when nothing is heard for too long: a connection may be dead without either side being told. */
class Silence {
  readonly #broken = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly signal = this.#broken.signal;

  constructor(private readonly ms: number) {
    this.begin();
  }

  begin(): void {
    this.end();
    this.#timer = setTimeout(() => this.#broken.abort(new DOMException("the feed is silent", "TimeoutError")), this.ms);
  }

  end(): void {
    clearTimeout(this.#timer);
  }
}

/** The server wants to be asked again, and perhaps says when. */
class Busy extends Error {
  constructor(readonly afterMs: number) {
    super();
  }
}

/** Nothing but a refusal that stands ends a feed; a busy or missing server is asked again. */
async function refuse(response: Response): Promise<never> {
  const { status, headers } = response;
  const problem = problemOf({ status, headers, text: await response.text() });
  if (status >= 500 || status === 429 || status === 408) throw new Busy(problem.retryAfterMs ?? 0);
  throw new ProblemError(problem);
}

function changeOf<T>({ name, data }: Event, place: string): Change<T> | undefined {
  if (name === "reset") return { kind: "reset", place };
  if (name !== "change") return undefined;
  const body: unknown = JSON.parse(data);
  if (!isObject(body)) return undefined;
  const paths = body["paths"];
  return {
    kind: "change",
    place,
    collection: string(body["collection"]) ?? "",
    row: rowOf<T>(body, () => slice(data, [])),
    ...(Array.isArray(paths) && { paths: paths as string[] }),
    ...("last_data" in body && { lastData: body["last_data"] as T }),
  };
}

interface Event {
  readonly id: string | undefined;
  readonly name: string;
  readonly data: string;
}

/** Server-sent events (HTML Standard, section 9.2), from bytes. */
async function* events(stream: ReadableStream<Uint8Array>, silence: Silence): AsyncGenerator<Event, void> {
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  let rest = "";
  let block: string[] = [];
  try {
    for (;;) {
      silence.begin();
      const { done, value } = await reader.read();
      silence.end();
      if (done) return;
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (line.trim() !== "") block.push(line.replace(/\r$/, ""));
        else if (block.length > 0) {
          yield eventOf(block);
          block = [];
        }
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function eventOf(lines: readonly string[]): Event {
  const field = (name: string) =>
    lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ""));
  return { id: field("id").at(-1), name: field("event").at(-1) ?? "message", data: field("data").join("\n") };
}
