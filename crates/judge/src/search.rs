mod configuration; // how far one order has come
mod facts; // what can be known of operations before they are put into an order
mod pending; // the operations that have begun and not ended

use std::collections::HashSet;

use crate::history::{NEVER, Step};
use crate::search::configuration::Configuration;
use crate::search::facts::Facts;
use crate::search::pending::Pending;

pub(super) use crate::search::facts::Model;

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Order,
    /// None; by the time that the last of these operations ended, no order was left.
    NoOrder(Vec<usize>),
    /// The steps or the time were used up.
    Nothing,
}

/// What a search may use.
pub(super) struct Limit<'l> {
    pub(super) steps: u64,
    pub(super) is_over: &'l mut dyn FnMut() -> bool,
}

impl Limit<'_> {
    /// Whether one more step may be taken.
    fn allows(&mut self) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps > 0 && !(self.steps.is_multiple_of(1024) && (self.is_over)())
    }
}

/// Looks for an order of `steps` that explains them all.
///
/// After J. M. Wing and C. Gong, "Testing and verifying concurrent objects", Journal of Parallel and Distributed
/// Computing 17 (1993), and G. Lowe, "Testing for linearizability", Concurrency and Computation 29 (2017): operations
/// take effect as late as they can, when one ends that must have. All orders are followed side by side, and those that
/// have come to the same point are one.
pub(super) fn search(steps: &[Step], model: Model, limit: &mut Limit<'_>) -> Found {
    let facts = Facts::new(steps, model);
    if let Some(suspects) = facts.contradiction {
        return Found::NoOrder(suspects);
    }
    let mut pending = Pending::default();
    let mut all = Configuration::initial();
    for event in events(steps, &facts) {
        match event {
            Event::Begin(step) => {
                pending.insert(step, facts.rank(step));
                if facts.only_looks(step) {
                    for configuration in &mut all {
                        configuration.absorb(&facts, &pending);
                    }
                }
            }
            Event::End(step) => {
                let Some(next) = require(step, all, &facts, &pending, limit) else {
                    return Found::Nothing;
                };
                if next.is_empty() {
                    return Found::NoOrder(vec![step]);
                }
                pending.remove(step);
                all = next;
            }
        }
    }
    Found::Order
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Begin(usize),
    End(usize),
}

/// Beginnings and ends in time. Of those at one moment, beginnings come first: they may have been together.
fn events(steps: &[Step], facts: &Facts<'_>) -> impl Iterator<Item = Event> {
    let mut events = Vec::with_capacity(2 * steps.len());
    for (at, step) in steps.iter().enumerate() {
        if facts.counts(at) {
            events.push((step.begun, false, at));
            if step.settled() != NEVER {
                events.push((step.ended, true, at));
            }
        }
    }
    events.sort_unstable();
    let of = |(_, ends, at)| {
        if ends {
            Event::End(at)
        } else {
            Event::Begin(at)
        }
    };
    events.into_iter().map(of)
}

/// All configurations in which `step` has taken effect; `None` if the limit was reached.
fn require(
    step: usize,
    all: Vec<Configuration>,
    facts: &Facts<'_>,
    pending: &Pending,
    limit: &mut Limit<'_>,
) -> Option<Vec<Configuration>> {
    let mut done = Vec::new();
    let mut open = Vec::new();
    for configuration in all {
        if configuration.has(step) {
            done.push(configuration);
        } else {
            open.push(configuration);
        }
    }
    let mut seen: HashSet<Configuration> = HashSet::new();
    while let Some(configuration) = open.pop() {
        for next in pending.iter() {
            if configuration.has(next) {
                continue;
            }
            if !limit.allows() {
                return None;
            }
            for mut after in configuration.apply(next, facts, pending) {
                after.absorb(facts, pending);
                if seen.contains(&after) {
                    continue;
                }
                seen.insert(after.clone());
                if after.has(step) {
                    done.push(after);
                } else {
                    open.push(after);
                }
            }
        }
    }
    for configuration in &mut done {
        configuration.forget(step);
    }
    done.sort_unstable();
    done.dedup();
    Some(configuration::without_dominated(done, facts))
}
