//! The client against small servers that do exactly what a test needs, over real sockets.

mod fake; // a server whose every answer is scripted
mod shelf; // documents with versions, in three dialects

mod documents; // read, create, replace, patch, delete
mod edits; // drafts: joined, in conflict, decided
mod lost; // connections that break, servers that are busy
mod rows; // lists and histories
mod updates; // intents, run again
mod watching; // the change feed
