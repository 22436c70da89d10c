import { signal } from "@preact/signals";
import { ProblemError } from "detente-client";
import { say } from "../parts/live-region";
import { randomId } from "../parts/random-id";
import { space } from "../place";
import { request } from "../session/api";
import { client } from "../session/session";
import { rememberSave } from "../session/tab";
import { fileUrl, nameOf, newestVersion, tagOf, type Entry } from "./entry";
import { sendingWith } from "./sending";

const comparedBytes = 64 * 1024 * 1024;
// What is larger is not sent only to be refused: we look first.
const looksFirstBytes = 1024 * 1024;

/** Why it was not stored: "it was …". */
type Left = "skipped" | "cancelled" | "there already, with the same content";

type State =
  | { readonly kind: "waiting" }
  | { readonly kind: "sending"; readonly sent: number }
  /** Something else is stored there. Nobody has decided yet. */
  | { readonly kind: "collided"; readonly theirs: Entry }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "stored"; readonly path: string }
  | { readonly kind: "left"; readonly word: Left };

interface UploadOptions {
  /** The version that the content was made of. Without one, nothing may be there. */
  readonly base?: Entry | undefined;
  readonly lockToken?: () => string | undefined;
}

/** The path of the last file that was stored, for those who show the folder that it is in. */
export const lastStored = signal<{ readonly path: string } | undefined>(undefined);

/** A file on its way to the server, until it is there or somebody has decided otherwise. */
export class Upload {
  readonly state = signal<State>({ kind: "waiting" });
  /** Whether somebody wants to decide about it later. */
  readonly isPutOff = signal(false);
  /** A joined text that somebody has begun, and what it is joined with. */
  draft: { readonly theirs: Entry; readonly text: string } | undefined;
  base: Entry | undefined;
  /** What is to be replaced. */
  #tag: string | undefined;
  #isCopy = false;
  #key = randomId();
  #abort = new AbortController();
  /** The entries of the conflict log that this led to. */
  readonly #logged: string[] = [];
  readonly #log = client().conflicts;
  /** The space of it, whichever is shown later. */
  readonly space = space.peek() ?? null;
  readonly #url: string;
  readonly #lockToken;

  constructor(
    readonly path: string,
    public body: Blob,
    { base, lockToken = () => undefined }: UploadOptions = {},
  ) {
    this.base = base;
    // Of a deletion there is no tag.
    this.#tag = base?.etag || undefined;
    this.#url = fileUrl(path);
    this.#lockToken = lockToken;
  }

  get name(): string {
    return nameOf(this.path);
  }

  get isOpen(): boolean {
    return ["waiting", "sending", "collided"].includes(this.state.peek().kind);
  }

  async start(): Promise<void> {
    this.#abort = new AbortController();
    this.state.value = { kind: "sending", sent: 0 };
    try {
      const there = this.body.size > looksFirstBytes && !this.#isCopy ? await this.#newest() : undefined;
      if (there?.kind === "file" && there.etag !== this.#tag) await this.#collide(there);
      else await this.#send();
    } catch (error) {
      if (!this.#abort.signal.aborted) await this.#refused(error);
    }
  }

  /** Stores it beside the other. */
  keepBoth(): void {
    this.#isCopy = true;
    this.#again("Kept both");
  }

  /** Stores it in the place of this version, and of no other. */
  replace({ etag }: Entry): void {
    this.#tag = etag || undefined;
    this.#again("Replaced");
  }

  /** Stores a text that was joined of both. */
  join(theirs: Entry, text: string): void {
    this.body = new Blob([text], { type: theirs.type });
    this.base = theirs;
    // If somebody is faster again, this is what is joined next.
    this.draft = { theirs, text };
    this.replace(theirs);
  }

  skip(): void {
    this.#leave("skipped");
    this.#settle("Skipped");
  }

  cancel(): void {
    this.#abort.abort();
    this.#leave("cancelled");
  }

  retry(): void {
    this.state.value = { kind: "waiting" };
  }

  #leave(word: Left): void {
    this.state.value = { kind: "left", word };
    say(`${this.name} was ${word}`);
  }

  /** Another request, with a key of its own. */
  #again(reason: string): void {
    this.#key = randomId();
    this.#settle(reason);
    this.retry();
  }

  async #send(): Promise<void> {
    const lock = this.#lockToken();
    const headers = {
      "Content-Type": this.body.type || "application/octet-stream",
      "Idempotency-Key": `"${this.#key}"`,
      ...(this.#tag === undefined ? { "If-None-Match": "*" } : { "If-Match": this.#tag }),
      ...(this.#isCopy && { Prefer: "conflict=copy" }),
      ...(lock !== undefined && { "Lock-Token": lock }),
    };
    const init = { method: "PUT", headers, body: this.body, signal: this.#abort.signal };
    const onSent = (sent: number) => {
      if (this.state.peek().kind === "sending") this.state.value = { kind: "sending", sent };
    };
    const response = await request(this.#url, init, sendingWith(onSent));
    rememberSave(tagOf(response));
    const copy = response.headers.get("location")?.split("/").at(-1);
    const name = copy === undefined ? this.name : decodeURIComponent(copy);
    const path = this.path.slice(0, this.path.length - this.name.length) + name;
    this.state.value = { kind: "stored", path };
    lastStored.value = { path };
    say(`${name} was uploaded`);
  }

  async #refused(error: unknown): Promise<void> {
    const isCollision = error instanceof ProblemError && ["stale-version", "precondition-failed", "deleted"].includes(error.problem.kind);
    const theirs = isCollision ? await this.#newest() : undefined;
    if (!isCollision || !theirs) {
      this.state.value = { kind: "failed", error };
      return;
    }
    const { logged } = error.problem.body;
    if (typeof logged === "string") this.#logged.push(logged.split("/").at(-1) ?? "");
    await this.#collide(theirs);
  }

  async #collide(theirs: Entry): Promise<void> {
    if (theirs.sha256 !== "" && (await sha256(this.body)) === theirs.sha256) {
      this.#leave("there already, with the same content");
      return this.#settle("The same content");
    }
    // A copy that found no name is asked about again.
    this.#isCopy = false;
    this.isPutOff.value = false;
    this.state.value = { kind: "collided", theirs };
  }

  #newest(): Promise<Entry | undefined> {
    return newestVersion(this.path, this.#abort.signal).catch(() => undefined);
  }

  /** The log need not ask for what was decided here. */
  #settle(reason: string): void {
    for (const id of this.#logged.splice(0)) this.#log.dismiss(id, { reason }).catch(() => undefined);
  }
}

/** In hex; nothing of what is large, or where a browser does not compute it: without TLS. */
async function sha256(content: Blob): Promise<string | undefined> {
  if (!globalThis.isSecureContext || content.size > comparedBytes) return undefined;
  const digest = await crypto.subtle.digest("SHA-256", await content.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
