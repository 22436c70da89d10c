/** A server in this process, which speaks what an outbox needs of Detente's HTTP, and forgets and breaks as a test wants it. */
import { createHash } from "node:crypto";

export type Fields = Record<string, unknown>;

interface Version {
  readonly etag: string;
  readonly data: Fields;
}

/** What becomes of a request: `before` and `after` it is performed the wire breaks; `never` comes an answer. */
export type Fate = "ok" | "before" | "after" | "never";

interface Conflict {
  readonly path: string;
  readonly kind: string;
  readonly strategy: string;
  readonly base?: unknown;
  readonly yours?: unknown;
  readonly current?: unknown;
}

export class Simulated {
  readonly documents = new Map<string, Version[]>();
  readonly #keys = new Map<string, number>();
  isDown = false;
  /** Asked for each write. */
  fate: () => Fate = () => "ok";
  /** What the caller's token is worth. */
  isKnown = true;
  /** Why a document is refused. */
  rule: (data: Fields) => string | undefined = () => undefined;

  constructor(private readonly counters: readonly string[] = []) {}

  /** What others do. */
  write(id: string, data: Fields): void {
    const all = this.documents.get(id) ?? [];
    this.documents.set(id, [...all, { data: structuredClone(data), etag: `"${all.length + 1}-${digest(data)}"` }]);
  }

  head(id: string): Fields {
    return structuredClone(this.documents.get(id)?.at(-1)?.data ?? {});
  }

  forgetKeys(): void {
    this.#keys.clear();
  }

  readonly fetch: typeof fetch = async (input, init = {}) => {
    await Promise.resolve();
    if (this.isDown) throw new TypeError("fetch failed");
    const url = new URL(String(input));
    if (url.pathname.startsWith("/problems/")) return new Response("IdempotencyKeyReuse");
    const isWrite = (init.method ?? "GET") !== "GET" && !url.searchParams.has("dry_run");
    const fate = isWrite ? this.fate() : "ok";
    if (fate === "before") throw new TypeError("fetch failed");
    const answer = this.#answer(url, init.method ?? "GET", new Headers(init.headers), String(init.body ?? ""), isWrite);
    if (fate === "after") throw new TypeError("fetch failed");
    if (fate === "never") return new Promise<Response>(() => undefined);
    return answer;
  };

  #answer(url: URL, method: string, headers: Headers, body: string, isWrite: boolean): Response {
    if (!this.isKnown) return problem(401, "unauthenticated", {});
    const [, , , id = "", merge] = url.pathname.split("/");
    const all = this.documents.get(id) ?? [];
    const head = all.at(-1);
    if (method === "GET") return head ? whole(head, all.length) : problem(404, "not-found", {});
    const key = `${method} ${url.pathname} ${headers.get("idempotency-key")}`;
    const known = this.#keys.get(key);
    if (isWrite && known !== undefined) return whole(all[known - 1] as Version, known, true);
    const store = (data: Fields, isMerged: boolean): Response => {
      const why = this.rule(data);
      if (why !== undefined) return problem(409, "state-conflict", { detail: why });
      this.write(id, data);
      const now = this.documents.get(id) as Version[];
      this.#keys.set(key, now.length);
      return whole(now.at(-1) as Version, now.length, isMerged);
    };
    if (merge === "merge") {
      const asked = JSON.parse(body) as { base: string; document: Fields; choices?: Record<string, unknown>; current?: string };
      if (!head) return problem(409, "deleted", {});
      const base = all.find(({ etag }) => etag === asked.base)?.data ?? {};
      const { merged, conflicts } = this.#merge(base, asked.document, head.data);
      const decidedOn = all.find(({ etag }) => etag === asked.current)?.data ?? {};
      const left = conflicts.filter(({ path, base, yours, current }) => {
        const choice = asked.choices?.[path];
        if (choice === undefined || decidedOn[path.slice(1)] !== current) return true;
        merged[path.slice(1)] = typeof choice === "object" ? (choice as { value: unknown }).value : { base, yours, current }[choice as "base"];
        return false;
      });
      if (!isWrite) return json(200, { document: merged, conflicts: left, joined: [], current_version: all.length, current_etag: head.etag });
      return left.length > 0 ? stale(409, head, all.length, merged, left) : store(merged, true);
    }
    const data = JSON.parse(body) as Fields;
    if (headers.get("if-none-match") === "*") return head ? stale(412, head, all.length, head.data, []) : store(data, false);
    const tag = headers.get("if-match");
    if (!head) return problem(409, "stale-version", { current_etag: null, current_version: null });
    if (tag === head.etag) return store(data, false);
    const base = all.find(({ etag }) => etag === tag);
    const { merged, conflicts } = this.#merge(base?.data ?? {}, data, head.data);
    const mayMerge = headers.get("prefer") === "conflict=merge" && base !== undefined;
    return conflicts.length > 0 || !mayMerge ? stale(409, head, all.length, merged, conflicts) : store(merged, true);
  }

  /** Member by member; counters are added up. */
  #merge(base: Fields, yours: Fields, current: Fields): { merged: Fields; conflicts: Conflict[] } {
    const merged = { ...current };
    const conflicts: Conflict[] = [];
    for (const name of new Set([...Object.keys(base), ...Object.keys(yours)])) {
      if (yours[name] === base[name]) continue;
      if (this.counters.includes(name)) merged[name] = Number(current[name]) + Number(yours[name]) - Number(base[name]);
      else if (current[name] === base[name]) merged[name] = yours[name];
      else if (current[name] !== yours[name]) {
        conflicts.push({ path: `/${name}`, kind: "edit-edit", strategy: "manual", base: base[name], yours: yours[name], current: current[name] });
      }
    }
    return { merged, conflicts };
  }
}

function digest(data: Fields): string {
  return createHash("sha256").update(JSON.stringify(data)).digest("hex").slice(0, 8);
}

function json(status: number, body: unknown, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify(body), { status, headers });
}

function whole({ etag, data }: Version, version: number, isMerged = false): Response {
  return json(200, data, { [isMerged ? "merged-etag" : "etag"]: etag, "document-version": String(version) });
}

function problem(status: number, kind: string, members: object): Response {
  return json(status, { type: `/problems/${kind}`, title: kind, detail: kind, status, ...members });
}

function stale(status: number, head: Version, version: number, merged: Fields, conflicts: Conflict[]): Response {
  const kind = status === 412 ? "precondition-failed" : "stale-version";
  return problem(status, kind, {
    current_etag: head.etag,
    current_version: version,
    current: head.data,
    merged,
    conflicts,
    your_version: status === 412 ? null : 1,
  });
}
