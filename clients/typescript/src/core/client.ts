import { Collection } from "./collection.js";
import { Transport, type ClientOptions } from "./transport.js";

/** Any server that has ETag and If-Match, as one caller uses it. */
export class Client {
  protected readonly transport: Transport;

  constructor(options: ClientOptions) {
    this.transport = new Transport(options);
  }

  /** The documents of one kind. */
  collection<T = Record<string, unknown>>(name: string): Collection<T> {
    return new Collection<T>(this.transport, name);
  }
}
