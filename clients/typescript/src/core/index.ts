/** The part for any server that has ETag and If-Match. */
export { Client } from "./client.js";
export { Collection, type Expected } from "./collection.js";
export { Draft, type DraftRecord, type DraftState, type ResolveOptions, type SaveOptions } from "./draft.js";
export { ConflictError, ProblemError, TransportError, type Problem } from "./problem.js";
export type { ChangeSince, Choice, Choices, Conflict, FieldConflict, Joined, Preview, Saved } from "./conflict.js";
export type { Doc, Etag, Page, Row, Snapshot } from "./doc.js";
export type { RetryPolicy } from "./retry.js";
export type { CallOptions, ClientOptions } from "./transport.js";
export type { WriteOptions } from "./resource.js";
