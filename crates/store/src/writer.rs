use std::sync::Arc;
use std::thread::JoinHandle;

use detente_core::{
    CollectionRules, Command, Decision, LockCommand, LockDecision, Moment, Once, Seq,
};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

use crate::in_progress::{InProgress, NoTurn, Turn};
use crate::{
    Clerk, Clock, Damage, DeskCounters, LoggedConflict, Order, Reply, Store, StoreError, Time,
    Transacted, Transaction,
};

/// How many orders are decided together at most.
const BATCH_LIMIT: usize = 512;

/// Why an order has no reply. Nothing was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("too many writes are waiting")]
    Busy,
    #[error("no space left for the store")]
    Full,
    #[error("the store cannot be reached")]
    Away,
    /// What the write rests on is not as it was written.
    #[error("the store is damaged: {0}")]
    Damaged(Damage),
    #[error("the store failed")]
    Store,
    #[error("the store is closing")]
    Closing,
}

/// The one thread that writes to a store.
#[derive(Debug)]
pub struct Writer {
    handle: WriterHandle,
    thread: JoinHandle<Result<(), StoreError>>,
}

/// Sends orders to the writer.
#[derive(Clone, Debug)]
pub struct WriterHandle {
    queue: mpsc::Sender<Request>,
    committed: watch::Receiver<Seq>,
    counters: Arc<DeskCounters>,
    in_progress: Arc<InProgress>,
    clock: Arc<Clock>,
}

#[derive(Debug)]
struct Request {
    order: Order,
    /// `None`: nobody waits for it.
    reply: Option<oneshot::Sender<Result<Reply, WriteError>>>,
}

impl Writer {
    /// Starts the thread. At most `queue_limit` orders wait; more are turned away.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start<S: Store>(mut store: S, queue_limit: usize) -> std::io::Result<Self> {
        let (queue, requests) = mpsc::channel(queue_limit);
        let committed = store.watch();
        let clock = Arc::new(Clock::start(last_write(&mut store)));
        let time = Arc::clone(&clock);
        let clerk = Clerk::new(store);
        let counters = clerk.counters();
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(move || run(clerk, requests, &time))?;
        let handle = WriterHandle {
            queue,
            committed,
            counters,
            in_progress: Arc::default(),
            clock,
        };
        Ok(Self { handle, thread })
    }

    /// Sends orders to it.
    pub fn handle(&self) -> WriterHandle {
        self.handle.clone()
    }

    /// Waits until every handle is dropped, what they sent is answered and the store is closed.
    ///
    /// # Errors
    ///
    /// What closing the store came to.
    ///
    /// # Panics
    ///
    /// If the writer did.
    pub fn join(self) -> Result<(), StoreError> {
        drop(self.handle);
        self.thread.join().expect("the writer does not panic")
    }
}

impl WriterHandle {
    /// Has one command decided; the answer comes once the decision and all it rests on are durable.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: the command was not performed.
    pub async fn write(
        &self,
        command: Command,
        rules: Arc<CollectionRules>,
    ) -> Result<Decision, WriteError> {
        let asked = Transaction {
            writes: vec![(command.into(), rules)],
            ..Transaction::default()
        };
        let decision = match self.transact(asked).await? {
            Transacted::Applied(mut all) => all.pop().map(|it| Decision::Apply(Box::new(it))),
            Transacted::Refused(mut all) => all.pop(),
            other => unreachable!("a write without a key came to {other:?}"),
        };
        Ok(decision.expect("one write has one decision"))
    }

    /// Has writes decided together; the answer comes once it and all it rests on are durable.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: nothing was performed.
    pub async fn transact(&self, transaction: Transaction) -> Result<Transacted, WriteError> {
        match self.order(Order::Write(transaction)).await? {
            Reply::Write(outcome) => Ok(outcome),
            other => unreachable!("a write was answered with {other:?}"),
        }
    }

    /// Has a lock changed; the answer comes once that is durable. Whoever decides after the answer, on
    /// any node, sees it.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: the lock is as it was.
    pub async fn lock(&self, command: LockCommand) -> Result<LockDecision, WriteError> {
        match self.order(Order::Lock(command)).await? {
            Reply::Lock(decision) => Ok(decision),
            other => unreachable!("a lock was answered with {other:?}"),
        }
    }

    async fn order(&self, order: Order) -> Result<Reply, WriteError> {
        let (reply, answer) = oneshot::channel();
        let request = Request {
            order,
            reply: Some(reply),
        };
        self.queue.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => WriteError::Busy,
            TrySendError::Closed(_) => WriteError::Closing,
        })?;
        answer.await.unwrap_or(Err(WriteError::Closing))
    }

    /// Has a refused write kept in the conflict log. It rides along with a later commit; a clean
    /// stop writes it, a crash before [`WriterHandle::flush`] may lose it. Until it is written, this
    /// node alone knows of it. Waits for room in the queue, but not for the commit.
    pub async fn log(&self, conflict: LoggedConflict) {
        let request = Request {
            order: Order::Log(Arc::new(conflict)),
            reply: None,
        };
        if self.queue.send(request).await.is_err() {
            tracing::warn!("the writer is gone: a refused write could not be logged");
        }
    }

    /// Has what waits for the conflict log written; returns once that is durable.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: it still waits.
    pub async fn flush(&self) -> Result<(), WriteError> {
        self.order(Order::Flush).await.map(drop)
    }

    /// Enters a request that is to be performed once, for as long as the turn is held.
    ///
    /// It meets other requests of this node alone. Those of other nodes it meets in the store, as
    /// receipts.
    ///
    /// # Errors
    ///
    /// [`NoTurn`] if a request of the same scope is in progress.
    pub fn enter(&self, once: &Once) -> Result<Turn, NoTurn> {
        self.in_progress.enter(once)
    }

    /// Changes whenever versions can be read that could not be read before, whoever wrote them; tells
    /// the seq of the newest, the safe horizon of the feed. Writes of this node show before they are
    /// answered, those of other nodes may show late.
    pub fn committed(&self) -> watch::Receiver<Seq> {
        self.committed.clone()
    }

    /// What time it is for the writer: what it decides is of this time.
    pub fn time(&self) -> Time {
        self.clock.read()
    }

    /// What the writer has done so far.
    pub fn counters(&self) -> &DeskCounters {
        &self.counters
    }

    /// How many orders are waiting.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

/// When the newest version was written; `None` if there is none, or it cannot be read.
fn last_write<S: Store>(store: &mut S) -> Option<Moment> {
    let newest = *store.watch().borrow();
    if newest == 0 {
        return None;
    }
    let version = store.know(|it| it.version(newest));
    version.ok()?.map(|stored| stored.at)
}

/// Takes requests in and hands replies out, until nobody can send any more.
fn run<S: Store>(
    mut clerk: Clerk<S>,
    mut incoming: mpsc::Receiver<Request>,
    clock: &Clock,
) -> Result<(), StoreError> {
    let mut requests = Vec::with_capacity(BATCH_LIMIT);
    let (mut orders, mut askers) = (Vec::new(), Vec::new());
    // No lingering for more: whoever waits while one batch commits makes up the next.
    while incoming.blocking_recv_many(&mut requests, BATCH_LIMIT) > 0 {
        for request in requests.drain(..) {
            orders.push(request.order);
            askers.push(request.reply);
        }
        let replies = serve(&mut clerk, &orders, clock.read());
        orders.clear();
        for (asker, reply) in askers.drain(..).zip(replies) {
            if let Some(asker) = asker {
                // Whoever asked may be gone; the decision stands.
                let _ = asker.send(reply);
            }
        }
    }
    clerk.close()
}

fn serve<S: Store>(
    clerk: &mut Clerk<S>,
    orders: &[Order],
    time: Time,
) -> Vec<Result<Reply, WriteError>> {
    match clerk.serve(orders, time) {
        Ok(replies) => {
            let told = |reply: Result<Reply, StoreError>| reply.map_err(|error| report(&error));
            replies.into_iter().map(told).collect()
        }
        Err(error) => vec![Err(report(&error)); orders.len()],
    }
}

fn report(error: &StoreError) -> WriteError {
    // The store tells of damage itself, once.
    if let StoreError::Damaged(damage) = error {
        return WriteError::Damaged(damage.clone());
    }
    tracing::error!(%error, "a write failed");
    match error {
        StoreError::Full => WriteError::Full,
        StoreError::Away => WriteError::Away,
        _ => WriteError::Store,
    }
}
