/** Reads and writes documents of Detente over HTTP without losing anybody's edit. */
export { Client, type CollectionInfo } from "./client.js";
export { Collection, type ListOptions } from "./collection.js";
export { Draft, type DraftRecord, type DraftState, type ResolveOptions, type SaveOptions } from "./core/draft.js";
export { Lock, type LockInfo, type LockOptions } from "./lock.js";
export {
  ConflictLog,
  type DismissOptions,
  type LogEntry,
  type LogEntryWhole,
  type LogFilters,
  type LogOptions,
  type Stats,
} from "./conflict_log.js";
export { ConflictError, ProblemError, TransportError, type Problem } from "./core/problem.js";
export type { BatchOptions, BatchResult, Operation, Result } from "./batch.js";
export type { ChangeSince, Choice, Choices, Conflict, FieldConflict, Joined, Preview, Saved } from "./core/conflict.js";
export type { Doc, Etag, Page, Row, Snapshot } from "./core/doc.js";
export type { Expected } from "./core/collection.js";
export { at, names, pointer } from "./core/pointer.js";
export { problemOf } from "./core/refusal.js";
export { sleep, type RetryPolicy } from "./core/retry.js";
export type { CallOptions, ClientOptions } from "./core/transport.js";
export type { Change, WatchOptions } from "./watch.js";
export type { WriteOptions } from "./core/resource.js";
