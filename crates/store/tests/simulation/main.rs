//! The write path in a world that a seed decides: clients, a clock, one or two desks, and a store that
//! fails, stalls, says nothing and crashes at any point, held against a model in which nothing ever goes
//! wrong.
//!
//! `DETENTE_SIMULATION_SEEDS=100000` runs more seeds; `DETENTE_SIMULATION_SEED=7` runs one and tells
//! all that happened in it.

mod clock; // time that passes when it is told to
mod dice; // numbers that a seed decides

mod fault; // what goes wrong, and when

mod access; // who may write what, in CEL and in plain words
mod collection; // three collections, and their rules in plain words
mod draft; // documents, and what people make of them

mod client; // who asks for what, knowing what

mod answer; // what an order came to
mod model; // one order at a time, and nothing fails

mod entries; // the conflict log as those know it who wrote to it
mod follower; // whoever reads the changes as they come
mod laws; // what must hold whatever the model says

mod ground; // where a store stands
mod world; // all of it, turn by turn

mod runner; // many seeds, or one again
mod tally; // how often what happened
mod trace; // what happened, for people

mod broken; // stores to be found out

use broken::{BrokenGround, Defect};
use ground::{Folder, Ground, InMemory};
use runner::{replay, run, run_all};

/// Enough to find what is there to be found, in the time that a test may take.
const SEEDS: u64 = 4_000;

#[test]
fn every_seed_agrees_with_the_model() {
    simulate(
        "every_seed_agrees_with_the_model",
        InMemory::default,
        seeds(),
    );
}

/// Without faults in its midst, but left without a word again and again. Disks are slow.
#[test]
fn the_embedded_store_agrees_with_the_model() {
    simulate(
        "the_embedded_store_agrees_with_the_model",
        Folder::default,
        seeds().div_ceil(200),
    );
}

fn seeds() -> u64 {
    number("DETENTE_SIMULATION_SEEDS").unwrap_or(SEEDS)
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().expect("a number of seeds, or a seed"))
}

/// Runs the one seed that is asked for, or so many.
fn simulate<G: Ground>(test: &str, make: impl Fn() -> G + Sync, count: u64) {
    if let Some(seed) = number("DETENTE_SIMULATION_SEED") {
        return replay(make, test, seed);
    }
    match run_all(&make, count) {
        Ok(tally) => println!("{tally:#?}"),
        Err(seed) => replay(make, test, seed),
    }
}

/// A simulation that finds nothing proves nothing, unless it would have.
#[test]
fn every_defect_is_found() {
    for defect in Defect::ALL {
        let make = || BrokenGround::new(defect);
        let found = (0..1000).find(|seed| run(make, *seed, false).result.is_err());
        assert!(found.is_some(), "{defect:?} was not found in 1000 seeds");
    }
}

#[test]
fn one_seed_is_one_run() {
    let (one, other) = (
        run(InMemory::default, 7, true),
        run(InMemory::default, 7, true),
    );
    assert_eq!(one.trace, other.trace);
    assert_eq!(one.tally.0, other.tally.0);
}

/// All that the simulation is about comes up in it.
#[test]
fn everything_happens() {
    let tally = run_all(InMemory::default, 300).expect("no seed fails");
    for what in EVERYTHING {
        let times = tally.0.get(what).copied().unwrap_or_default();
        assert!(times > 0, "{what} never happened: {tally:#?}");
    }
}

#[rustfmt::skip]
const EVERYTHING: [&str; 76] = [
    "asked: put", "asked: restore", "asked: patch", "asked: merge", "asked: merge with choices",
    "asked: delete", "asked: transaction", "asked: worked out ahead", "asked: judged ahead", "asked: log", "asked: flush",
    "asked: take a lock", "asked: renew a lock", "asked: release a lock", "asked: break a lock",
    "applied", "applied: transaction", "applied: settlement", "merged", "rehearsed", "replayed",
    "key reused", "settled already", "no such conflict", "lock held", "lock freed", "behind",
    "missing", "deleted", "stale", "if-none-match fails", "if-unmodified-since fails",
    "condition required", "patch", "invalid", "lifecycle", "rule", "duplicate",
    "unmergeable: schema", "unmergeable: state", "unmergeable: unique key",
    "denied", "denied: create", "denied: update", "denied: delete", "denied: merge", "denied: restore",
    "denied: transaction", "denied: judged ahead",
    "locked", "lock lost", "no lock",
    "stall", "full", "fails to begin", "fails to read", "fails to append", "fails to close",
    "crash before the commit", "crash within the commit", "crash after the commit",
    "all is there after a crash", "nothing is there after a crash", "answers are lost",
    "history is cut", "base gone", "base found",
    "away", "away when asked", "silence, and written", "silence, and perhaps later", "silence, and nothing",
    "decided again", "found to be lost", "found to be written", "never heard of",
];
