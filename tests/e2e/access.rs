//! Who may do what: held against models of it, over real sockets.

mod canary; // values that only some may see, and what may be searched for them
mod model; // what each right and each rule comes to, worked out a second time
mod recipe; // how each operation is asked for, and what becomes of it
mod who; // who asks: every kind of credentials, good and bad
mod world; // a server full of documents of several people

mod audit; // the lines of the log
mod files; // everybody asks for everything of files
mod jwt; // tokens of others, and keys that come and go
mod matrix; // everybody asks for everything
mod oracles; // questions whose answers would tell what is hidden
mod rates; // how often somebody may ask
mod reload; // another configuration, while the server runs
mod rules; // rules as people write them
mod streams; // event streams, read for a moment

#[allow(dead_code, reason = "the tests of the gate need more of it")]
#[path = "../../crates/gate/tests/gate/signer.rs"]
mod signer; // signs tokens
