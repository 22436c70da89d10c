//! Who merges, and what: the same three documents for Detente's library and for tools that merge lines.

mod git; // git merge-file, a process for each merge
mod library; // Detente's own
mod node; // npm's node-diff3, many merges in one process
mod sides; // generated documents: base, ours, theirs, and what they come to
mod verdict; // what a merge came to

use std::time::{Duration, Instant};

use anyhow::Result;

pub(crate) use git::Git;
pub(crate) use library::Library;
pub(crate) use node::{Node, NodeRun, PATIENCE};
pub(crate) use sides::{Kind, Sides};
pub(crate) use verdict::Verdict;

/// Seconds that one merge takes, of as many as fit into `time` and one at least.
fn repeat(time: Duration, mut merge: impl FnMut() -> Result<()>) -> Result<f64> {
    let begun = Instant::now();
    let mut merges = 0_u32;
    loop {
        merge()?;
        merges += 1;
        let elapsed = begun.elapsed();
        if elapsed >= time {
            return Ok(elapsed.as_secs_f64() / f64::from(merges));
        }
    }
}
