/** Writes that wait until the server has them. For Node, `detente-client/node` keeps them in a folder. */
export { Outbox, type Blocked, type Kept, type News, type OutboxOptions } from "./outbox.js";
export { Memory } from "./memory.js";
export { IndexedDb } from "./indexed_db.js";
export type { Entry, Held, Queue } from "./queue.js";
export type { Storage } from "./storage.js";
