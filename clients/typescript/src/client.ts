import { batch, type BatchOptions, type BatchResult, type Operation } from "./batch.js";
import { Collection } from "./collection.js";
import { ConflictLog } from "./conflict_log.js";
import { Client as AnyClient } from "./core/client.js";
import { isObject } from "./core/pointer.js";
import { success } from "./core/resource.js";
import { string } from "./core/refusal.js";
import type { CallOptions, ClientOptions } from "./core/transport.js";
import { watch, type Change, type WatchOptions } from "./watch.js";

/** A collection of a space, and how much it holds. */
export interface CollectionInfo {
  readonly name: string;
  /** `null` where a rule decides who may read which of them. */
  readonly documents: number | null;
  /** When anything in it changed last, RFC 3339; `null` if nothing ever did, or a rule decides who may know. */
  readonly changedAt: string | null;
}

/** Detente, as one caller uses it. */
export class Client extends AnyClient {
  /** The refused writes that the server keeps. */
  readonly conflicts: ConflictLog;

  constructor(options: ClientOptions) {
    super(options);
    this.conflicts = new ConflictLog(this.transport);
  }

  /** The documents of one kind. */
  override collection<T = Record<string, unknown>>(name: string): Collection<T> {
    return new Collection<T>(this.transport, name);
  }

  /** Performs several writes, all or none. */
  batch(operations: readonly Operation[], options: BatchOptions = {}): Promise<BatchResult> {
    return batch(this.transport, operations, options);
  }

  /** The collections of the space. */
  async collections({ signal }: CallOptions = {}): Promise<CollectionInfo[]> {
    const answer = success(await this.transport.send({ method: "GET", path: [] }, this.transport.pace(signal)));
    const body = JSON.parse(answer.text) as { items: unknown[] };
    return body.items.filter(isObject).map((row) => ({
      name: string(row["name"]) ?? "",
      documents: typeof row["documents"] === "number" ? row["documents"] : null,
      changedAt: string(row["changed_at"]) ?? null,
    }));
  }

  /** What others save in the whole space, as they save it. */
  changes(options: WatchOptions = {}): AsyncGenerator<Change, void> {
    return watch(this.transport, ["_changes"], options);
  }
}
