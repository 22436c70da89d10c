use std::sync::Arc;

use crate::{
    BatchToken, Desk, DeskCounters, Next, Order, Proposed, Reader, Replies, Store, StoreError, Time,
};

/// Whoever sits at the desk, with the store at hand. Has neither thread nor clock, so whoever runs
/// it decides when what happens.
#[derive(Debug)]
pub struct Clerk<S> {
    desk: Desk,
    store: S,
}

impl<S: Store> Clerk<S> {
    /// A clerk of a store.
    pub fn new(store: S) -> Self {
        Self::counting(store, Arc::default())
    }

    /// The same, which counts with other clerks.
    pub fn counting(store: S, counters: Arc<DeskCounters>) -> Self {
        let desk = Desk::new(store.reader().has_one_log(), counters);
        Self { desk, store }
    }

    /// The store that it writes to.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// The same, to be changed.
    pub fn store_mut(&mut self) -> &mut S {
        &mut self.store
    }

    /// What its desk has done so far.
    pub fn counters(&self) -> Arc<DeskCounters> {
        self.desk.counters()
    }

    /// Waits until it is this writer's turn in a space. True: that took a while, in which more may have
    /// been asked that can be decided with the next orders, which are about that space.
    pub fn wait(&mut self, space: &str) -> bool {
        self.store.wait(space)
    }

    /// Decides the orders, writes what they come to in one commit, and only then has replies: what
    /// they say, and all that it rests on, is durable. Where another writer is first, decides again;
    /// where the fate of a commit is not known, waits until it is.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the commit failed: nothing was done.
    pub fn serve(
        &mut self,
        orders: &[Order],
        clock: impl Into<Time>,
    ) -> Result<Replies, StoreError> {
        let clock = clock.into();
        loop {
            let proposed = self.propose(orders, clock)?;
            let mut next = self.commit(orders, proposed);
            while let Next::AskStore(batch, proposed) = next {
                next = self.ask(orders, batch, proposed);
            }
            match next {
                Next::Reply(replies) => return Ok(replies),
                Next::Fail(error) => return Err(error),
                Next::DecideAgain | Next::AskStore(..) => {}
            }
        }
    }

    /// The first half of [`Clerk::serve`]: decides.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read: nothing was done.
    pub fn propose(
        &mut self,
        orders: &[Order],
        clock: impl Into<Time>,
    ) -> Result<Proposed, StoreError> {
        let decided = self.decide(orders, clock.into());
        if decided.is_err() {
            self.desk.put_off(orders);
        }
        decided
    }

    fn decide(&mut self, orders: &[Order], clock: Time) -> Result<Proposed, StoreError> {
        let ground = self.store.begin(orders, clock)?;
        loop {
            match self.desk.propose(orders, ground, &self.store) {
                Ok(proposed) => return Ok(proposed),
                Err(wants) => self.store.fetch(&wants)?,
            }
        }
    }

    /// The second half: writes what was decided.
    pub fn commit(&mut self, orders: &[Order], proposed: Proposed) -> Next {
        let fate = self.store.append(proposed.commit());
        self.desk.settle(orders, proposed, fate)
    }

    /// What is to be done about orders whose commit had no known fate.
    pub fn ask(&mut self, orders: &[Order], batch: BatchToken, proposed: Proposed) -> Next {
        let fate = self.store.fate(batch);
        self.desk.settle(orders, proposed, fate)
    }

    /// Writes what waits, and closes the store.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; what was acknowledged is safe.
    pub fn close(mut self) -> Result<(), StoreError> {
        if self.desk.is_waiting() {
            self.flush()?;
        }
        self.store.close()
    }

    /// As [`Clerk::serve`], but asks only once: a store that does not answer must not hold up the end.
    fn flush(&mut self) -> Result<(), StoreError> {
        let orders = [Order::Flush];
        loop {
            let proposed = self.propose(&orders, Time::default())?;
            let mut next = self.commit(&orders, proposed);
            if let Next::AskStore(batch, proposed) = next {
                next = self.ask(&orders, batch, proposed);
            }
            match next {
                Next::Reply(replies) => return replies.into_iter().try_for_each(|it| it.map(drop)),
                Next::Fail(error) => return Err(error),
                Next::DecideAgain => {}
                Next::AskStore(..) => {
                    let unknown = "the store did not say whether the conflict log is written";
                    return Err(StoreError::Unknown(unknown.into()));
                }
            }
        }
    }
}
