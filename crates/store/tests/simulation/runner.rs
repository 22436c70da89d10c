use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use crate::ground::Ground;
use crate::tally::Tally;
use crate::world::World;

/// How many orders each seed asks for.
const ORDERS: usize = 200;

/// How much of a trace is shown when a seed fails.
const LAST_STEPS: usize = 60;

/// What one seed came to.
pub(crate) struct Run {
    pub(crate) result: Result<(), String>,
    pub(crate) tally: Tally,
    pub(crate) trace: Vec<String>,
}

/// Runs one seed. A panic is a failure like others.
pub(crate) fn run<G: Ground>(make: impl Fn() -> G, seed: u64, is_traced: bool) -> Run {
    let mut world = World::new(make(), seed, is_traced);
    let result = catch_unwind(AssertUnwindSafe(|| world.run(ORDERS)));
    let result = result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
        Err(format!("a panic: {}", text.unwrap_or_default()))
    });
    Run {
        result,
        tally: world.tally,
        trace: world.trace.into_lines(),
    }
}

/// Runs the seeds below `count`, on all processors; what happened in all of them, or the smallest
/// seed found that fails.
pub(crate) fn run_all<G: Ground>(make: impl Fn() -> G + Sync, count: u64) -> Result<Tally, u64> {
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
    let work = || {
        let mut tally = Tally::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= count || failed.load(Ordering::Relaxed) < u64::MAX {
                return tally;
            }
            let run = run(&make, seed, false);
            tally.add(&run.tally);
            if run.result.is_err() {
                failed.fetch_min(seed, Ordering::Relaxed);
            }
        }
    };
    let mut all = Tally::default();
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            all.add(&worker.join().expect("panics are caught where seeds run"));
        }
    });
    match failed.into_inner() {
        u64::MAX => Ok(all),
        seed => Err(seed),
    }
}

/// Runs a seed again, and tells what happened.
///
/// # Panics
///
/// If the seed fails.
pub(crate) fn replay<G: Ground>(make: impl Fn() -> G, test: &str, seed: u64) {
    let run = run(make, seed, true);
    let Err(failure) = run.result else {
        println!("{}\nseed {seed} is sound", run.trace.join("\n"));
        return;
    };
    let skipped = run.trace.len().saturating_sub(LAST_STEPS);
    panic!(
        "seed {seed}: {failure}\n\nThe last steps:\n{}\n\nAll of them: \
         DETENTE_SIMULATION_SEED={seed} cargo test -p detente-store --test simulation {test} \
         -- --nocapture",
        run.trace[skipped..].join("\n")
    );
}
