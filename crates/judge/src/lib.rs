//! Whether a history could have been: one resource, one operation after the other, each at some moment between its
//! beginning and its end (linearizability).
//!
//! Each resource is judged on its own. Where every write can be told apart (by a value that no other writes, or by a
//! tag that is never given again), it is known which version each operation saw, and time alone decides: in O(n) where
//! each write says which version it replaced, in O(n log n) where some do not. Otherwise all orders are searched.
//!
//! What is assumed is little, and `docs/checking-histories.md` says it: the history holds all writes, and a tag stands for one
//! value. No history that could have been is ever called a violation.

pub mod history; // what clients did to resources, as a text and in memory

mod judgement; // the verdict, and how it was come to
mod rules; // what the caller promises
mod violation; // what contradicts itself, and why it cannot have been

mod blocks; // versions that follow each other without a gap, and time within them
mod explanation;
mod search; // all orders, where versions do not decide
mod subject; // one resource's operations
mod versions; // which operation saw which version
mod witness; // the few operations that contradict each other
mod zones; // blocks beside each other in time // a violation in words

mod watch; // while operations arrive
mod whole; // a history from its first operation to its last

#[cfg(test)]
mod trials; // random histories, against a register that is simulated and a checker that is another's

pub use judgement::{Judgement, Method, Verdict};
pub use rules::Rules;
pub use violation::{Violation, ViolationKind};
pub use watch::Watch;
pub use whole::judge;
