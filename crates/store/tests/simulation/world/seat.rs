use std::sync::Arc;

use detente_core::Moment;
use detente_store::{BatchToken, Clerk, Order, Proposed, Store};

use crate::answer::Answer;
use crate::clock::Clock;
use crate::fault::Faults;

/// One writer: a process that is started again when it ends.
pub(crate) struct Seat<S> {
    /// `None`: the process is down.
    pub(super) clerk: Option<Clerk<S>>,
    pub(super) faults: Arc<Faults>,
    /// Whether its store is far away.
    pub(super) is_far: bool,
    /// The latest time of a turn that the process had.
    pub(super) now: Moment,
    /// Whether it has decided, and is about to write.
    pub(super) is_busy: bool,
    pub(super) open: Option<Open>,
}

/// Orders whose commit has no known fate.
pub(crate) struct Open {
    pub(super) batch: BatchToken,
    pub(super) turn: Turn,
    pub(super) proposed: Proposed,
    /// What is to be answered, once the commit was seen to be written.
    pub(super) written: Option<Vec<Answer>>,
}

/// Orders on their way, and who asks.
pub(crate) struct Turn {
    pub(super) seat: usize,
    pub(super) askers: Vec<usize>,
    pub(super) orders: Vec<Order>,
}

impl<S: Store> Seat<S> {
    pub(super) fn new(clock: &Clock, is_far: bool) -> Self {
        Self {
            clerk: None,
            faults: Arc::new(Faults::new(clock.clone())),
            is_far,
            now: Moment(0),
            is_busy: false,
            open: None,
        }
    }

    pub(super) fn clerk(&mut self) -> &mut Clerk<S> {
        let clerk = self.clerk.as_mut();
        clerk.expect("the process is up between turns")
    }

    pub(super) fn reader(&self) -> S::Reader {
        let clerk = self.clerk.as_ref();
        let clerk = clerk.expect("the process is up between turns");
        clerk.store().reader()
    }
}
