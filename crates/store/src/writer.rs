use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use detente_core::{
    Checksum, CollectionRules, Command, Decision, LockCommand, LockDecision, Moment, Once,
};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot};

use crate::in_progress::{InProgress, NoTurn, Turn};
use crate::line::{Line, Request};
use crate::tray::Tray;
use crate::{
    Clerk, Clock, Damage, DeskCounters, LoggedConflict, Order, Reader, Reply, Store, StoreError,
    Time, Transacted, Transaction,
};

/// How long whoever asks waits for a store that other nodes share, which may go away for longer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why an order has no reply. Nothing was done, unless that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("too many writes are waiting")]
    Busy,
    #[error("no space left for the store")]
    Full,
    #[error("the store cannot be reached")]
    Away,
    /// Whoever asked waited long, and the store does not say what became of the write. All others of
    /// these errors say that nothing was done.
    #[error("whether it was written is not known")]
    Unknown,
    /// What the write rests on is not as it was written.
    #[error("the store is damaged: {0}")]
    Damaged(Damage),
    #[error("the store failed")]
    Store,
    #[error("the store is closing")]
    Closing,
}

/// The threads that write to a store: one, or several where each space has a log of its own. What is
/// about one space is decided by one of them.
#[derive(Debug)]
pub struct Writer {
    handle: WriterHandle,
    threads: Vec<JoinHandle<Result<(), StoreError>>>,
}

/// Sends orders to the writer.
#[derive(Clone, Debug)]
pub struct WriterHandle {
    /// One for each thread.
    queues: Arc<[Queue]>,
    /// `None`: an answer always comes.
    patience: Option<Duration>,
    counters: Arc<DeskCounters>,
    in_progress: Arc<InProgress>,
    clock: Arc<Clock>,
}

/// What goes to one thread.
#[derive(Debug)]
struct Queue {
    requests: mpsc::Sender<Request>,
    /// What need not wake it.
    tray: Arc<Tray>,
}

impl Writer {
    /// Starts one thread. At most `queue_limit` orders wait; more are turned away.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start<S: Store>(store: S, queue_limit: usize) -> std::io::Result<Self> {
        Self::start_all(vec![store], queue_limit)
    }

    /// Starts a thread for each of the writers that a store has on this node.
    ///
    /// # Errors
    ///
    /// If the system gives no thread, or there is no writer, or there are several of a store with one log.
    pub fn start_all<S: Store>(mut stores: Vec<S>, queue_limit: usize) -> std::io::Result<Self> {
        let has_one_log = stores.iter().any(|it| it.reader().has_one_log());
        if stores.is_empty() || has_one_log && stores.len() > 1 {
            return Err(std::io::ErrorKind::InvalidInput.into());
        }
        let last_write = stores.first_mut().and_then(last_write);
        let clock = Arc::new(Clock::start(last_write));
        let counters = Arc::<DeskCounters>::default();
        let (mut queues, mut threads) = (Vec::new(), Vec::new());
        for store in stores {
            let (requests, incoming) = mpsc::channel(queue_limit);
            let tray = Arc::<Tray>::default();
            let time = Arc::clone(&clock);
            let clerk = Clerk::counting(store, Arc::clone(&counters));
            let line = Line::new(incoming, Arc::clone(&tray), has_one_log);
            let run = move || run(clerk, line, &time);
            let thread = std::thread::Builder::new().name("writer".into());
            threads.push(thread.spawn(run)?);
            queues.push(Queue { requests, tray });
        }
        let handle = WriterHandle {
            queues: queues.into(),
            patience: (!has_one_log).then_some(PATIENCE),
            counters,
            in_progress: Arc::default(),
            clock,
        };
        Ok(Self { handle, threads })
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
        let ended = self.threads.into_iter().map(JoinHandle::join);
        let ended: Vec<_> = ended
            .map(|it| it.expect("the writer does not panic"))
            .collect();
        ended.into_iter().collect()
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

    /// Has writes decided together; the answer comes once it and all it rests on are durable. They are on their way at
    /// once, whether or not the answer is waited for.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: nothing was performed.
    pub fn transact(
        &self,
        transaction: Transaction,
    ) -> impl Future<Output = Result<Transacted, WriteError>> {
        let sent = self.send(Order::Write(transaction));
        async {
            match self.reply(sent?).await? {
                Reply::Write(outcome) => Ok(outcome),
                other => unreachable!("a write was answered with {other:?}"),
            }
        }
    }

    /// Has a lock changed; the answer comes once that is durable. Whoever decides after the answer, on
    /// any node, sees it.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: the lock is as it was.
    pub async fn lock(&self, command: LockCommand) -> Result<LockDecision, WriteError> {
        let sent = self.send(Order::Lock(command));
        match self.reply(sent?).await? {
            Reply::Lock(decision) => Ok(decision),
            other => unreachable!("a lock was answered with {other:?}"),
        }
    }

    fn send(&self, order: Order) -> Result<Answer, WriteError> {
        send(self.queue(order.space()), order)
    }

    async fn reply(&self, answer: Answer) -> Result<Reply, WriteError> {
        let Some(patience) = self.patience else {
            return answer.await.unwrap_or(Err(WriteError::Closing));
        };
        match Box::pin(tokio::time::timeout(patience, answer)).await {
            Ok(answer) => answer.unwrap_or(Err(WriteError::Closing)),
            Err(_) => Err(WriteError::Unknown),
        }
    }

    /// That of the thread that decides what is about a space.
    fn queue(&self, space: Option<&str>) -> &Queue {
        let count = self.queues.len();
        if count == 1 {
            return &self.queues[0];
        }
        let hash = Checksum::of(space.unwrap_or_default().as_bytes()).0;
        &self.queues[(hash % count as u64) as usize]
    }

    /// Has a refused write kept in the conflict log. It rides along with a later commit; a clean
    /// stop writes it, a crash before [`WriterHandle::flush`] may lose it. Until it is written, this
    /// node alone knows of it. Waits for room in the queue where very many wait, but not for the commit.
    pub async fn log(&self, conflict: LoggedConflict) {
        let queue = self.queue(Some(conflict.key.space()));
        let Err(conflict) = queue.tray.put(Arc::new(conflict)) else {
            return;
        };
        let request = Request {
            order: Order::Log(conflict),
            reply: None,
        };
        if queue.requests.send(request).await.is_err() {
            tracing::warn!("the writer is gone: a refused write could not be logged");
        }
    }

    /// Has what waits for the conflict log written; returns once that is durable.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: it still waits.
    pub async fn flush(&self) -> Result<(), WriteError> {
        for queue in &*self.queues {
            self.reply(send(queue, Order::Flush)?).await?;
        }
        Ok(())
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

    /// What time it is for the writer: what it decides is of this time.
    pub fn time(&self) -> Time {
        self.clock.read()
    }

    /// Counts a transaction that was refused for sure, so that it did not come to the writer.
    pub fn refused(&self) {
        self.counters.refusals.fetch_add(1, Ordering::Relaxed);
    }

    /// What the writer has done so far.
    pub fn counters(&self) -> &DeskCounters {
        &self.counters
    }

    /// Entries of the conflict log that a crash would lose.
    pub fn waiting_conflicts(&self) -> u64 {
        let lying: usize = self.queues.iter().map(|queue| queue.tray.len()).sum();
        self.counters.waiting_conflicts() + lying as u64
    }

    /// How many orders are waiting.
    pub fn waiting(&self) -> usize {
        let waiting = |queue: &Queue| queue.requests.max_capacity() - queue.requests.capacity();
        self.queues.iter().map(waiting).sum()
    }
}

/// What comes to whoever sent an order.
type Answer = oneshot::Receiver<Result<Reply, WriteError>>;

fn send(queue: &Queue, order: Order) -> Result<Answer, WriteError> {
    let (reply, answer) = oneshot::channel();
    let request = Request {
        order,
        reply: Some(reply),
    };
    let sent = queue.requests.try_send(request);
    sent.map(|()| answer).map_err(|error| match error {
        TrySendError::Full(_) => WriteError::Busy,
        TrySendError::Closed(_) => WriteError::Closing,
    })
}

/// When the newest version was written; `None` if there is none, if it cannot be read, or if the store
/// knows the time better.
fn last_write<S: Store>(store: &mut S) -> Option<Moment> {
    let reader = store.reader();
    let newest = reader.last_seq("");
    if newest == 0 || !reader.has_one_log() {
        return None;
    }
    let version = store.know(|it| it.version(newest));
    version.ok()?.map(|stored| stored.at)
}

/// Takes requests in and hands replies out, until nobody can send any more.
fn run<S: Store>(mut clerk: Clerk<S>, mut line: Line, clock: &Clock) -> Result<(), StoreError> {
    let mut requests = Vec::new();
    let (mut orders, mut askers) = (Vec::new(), Vec::new());
    // No lingering for more: whoever waits while one batch commits makes up the next.
    while line.next(&mut requests) {
        let space = requests.first().and_then(|it| it.order.space());
        if space.is_some_and(|space| clerk.wait(space)) {
            line.gather(&mut requests);
        }
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
