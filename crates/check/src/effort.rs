use std::time::Duration;

use crate::catalogue::{self, About};

/// How hard to look.
#[derive(Clone, Debug)]
pub struct Effort {
    /// How many write at once, one race after the other.
    pub writers: Vec<u32>,
    /// Races for each number of writers.
    pub rounds: u32,
    /// A stale tag has to be answered by 412; otherwise 409 will do.
    pub strict: bool,
    /// Decides whatever is left to chance.
    pub seed: u64,
    /// Tells this run's writes from those of any other.
    pub run: u32,
    /// How long the last byte of a held body is kept back, at most.
    pub held: Duration,
    /// How long a random history is made.
    pub history: Duration,
    /// Probes to run; empty: all.
    pub only: Vec<String>,
    pub skip: Vec<String>,
}

impl Effort {
    /// What the command does unless told otherwise. `run` differs from that of other runs.
    pub fn usual(seed: u64, run: u32) -> Self {
        Self {
            writers: vec![2, 8, 32],
            rounds: 10,
            strict: false,
            seed,
            run,
            held: Duration::from_millis(300),
            history: Duration::from_secs(2),
            only: Vec::new(),
            skip: Vec::new(),
        }
    }

    /// Whether a probe is to run, by its id or its family's letter.
    pub(crate) fn asks_for(&self, probe: &About) -> bool {
        let names = |list: &[String]| list.iter().any(|name| probe.is_named(name));
        (self.only.is_empty() || names(&self.only)) && !names(&self.skip)
    }

    /// A probe or family that was named and is none.
    pub fn unknown_probe(&self) -> Option<&str> {
        self.only
            .iter()
            .chain(&self.skip)
            .find(|name| !catalogue::probes().any(|probe| probe.is_named(name)))
            .map(String::as_str)
    }

    pub(crate) fn most_writers(&self) -> u32 {
        self.writers.iter().copied().max().unwrap_or(2)
    }
}
