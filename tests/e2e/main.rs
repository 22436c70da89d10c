//! End to end: the built program, over real sockets.

mod client; // a test client that checks what holds for every answer
mod server; // the program, started on a free port with a folder of its own
mod storage; // files for applications that bring their own storage
mod store; // where its data is: this run's store

mod access; // who may do what
mod batches; // several writes, all or none
mod check; // the tester, as a user runs it
mod checkpoints; // a log that cannot be written to its database
mod clients; // the Rust client against the program
mod clock; // clocks that leap
mod conditions; // the contract's table of preconditions
mod conflict_log; // refused writes, kept and settled
mod conflicts; // refusals that explain themselves
mod crashes; // kill -9, restart, nothing lost
mod dav; // files over WebDAV, by programs of others
mod disk; // no room: 507, and on again
mod documents; // representations, patches, versions
mod exactly_once; // keys and batches over crashes
mod examples; // every example's own script
mod feeds; // pages and server-sent events
mod files; // bytes at paths: folders, versions, conflicts, uploads that break off
mod first_steps; // flags, warnings, sockets, backups
mod freshness; // what the feed tells of each version
mod graphql; // the same use cases by fields
mod heads; // feeds of what is newest, of what was deleted, and pages that end early
mod hot; // many writers whose edits merge, locks and batches under contention
mod limits; // sizes, media types, tokens, the queue
mod lists; // filters, order, cursors
mod locks; // the only writer for a while
mod merging; // stale edits, joined
mod names; // what collections and documents may be called, and their spellings
mod nodes; // several servers on one database
mod once; // requests that are performed once
mod operation; // shutdown, health, CORS, compression, export and import, configuration
mod origins; // names of the server, and pages of other sites
mod page; // the shell of the web page, and its files
mod proxies; // what proxies do to tags, caches and links
mod races; // many writers, one winner
mod readme; // the commands that the README prints
mod rot; // bits that flip on the disk
mod rules; // schema, unique keys, lifecycles, CEL
mod scenarios; // every example's own scenarios, by the tester
mod shared; // a database instead of the data folder
mod syncs; // what is on the disk before anybody is told
mod tls; // HTTPS, and certificates that are replaced
mod unseen; // no tag of a version whose document the writer does not know
