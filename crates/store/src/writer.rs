use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::SystemTime;

use detente_core::rules::Rules;
use detente_core::{Applied, Command, Decision, Moment, Seq, Unconditional, decide};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, oneshot, watch};

use crate::batch::Batch;
use crate::{Reader, Store, StoreError};

/// How many commands are decided together at most.
const BATCH_LIMIT: usize = 512;

/// What a command is decided by.
#[derive(Debug, Default)]
pub struct CollectionRules {
    pub rules: Rules,
    pub unconditional: Unconditional,
}

/// Why a write has no decision. Nothing was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    #[error("too many writes are waiting")]
    Busy,
    #[error("no space left for the store")]
    Full,
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

/// Sends commands to the writer.
#[derive(Clone, Debug)]
pub struct WriterHandle {
    queue: mpsc::Sender<Request>,
    committed: watch::Receiver<Seq>,
    load: Arc<WriterLoad>,
}

/// What the writer has done so far.
#[derive(Debug, Default)]
pub struct WriterLoad {
    batches: AtomicU64,
    versions: AtomicU64,
    refusals: AtomicU64,
}

#[derive(Debug)]
struct Request {
    command: Command,
    rules: Arc<CollectionRules>,
    answer: oneshot::Sender<Result<Decision, WriteError>>,
}

impl WriterLoad {
    /// Commits that held at least one write.
    pub fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    pub fn versions(&self) -> u64 {
        self.versions.load(Ordering::Relaxed)
    }

    pub fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }
}

impl Writer {
    /// Starts the thread. At most `queue_limit` commands wait; more are turned away.
    ///
    /// # Errors
    ///
    /// If the system gives no thread.
    pub fn start<S: Store>(store: S, queue_limit: usize) -> std::io::Result<Self> {
        let (queue, requests) = mpsc::channel(queue_limit);
        let (commits, committed) = watch::channel(store.reader().last_seq());
        let load = Arc::new(WriterLoad::default());
        let desk = Desk {
            last_seq: store.reader().last_seq(),
            store,
            requests,
            commits,
            load: Arc::clone(&load),
        };
        let thread = std::thread::Builder::new()
            .name("writer".into())
            .spawn(|| desk.run())?;
        let handle = WriterHandle {
            queue,
            committed,
            load,
        };
        Ok(Self { handle, thread })
    }

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
    /// Has a command decided; the answer comes once the decision and all it rests on are durable.
    ///
    /// # Errors
    ///
    /// [`WriteError`]: the command was not performed.
    pub async fn write(
        &self,
        command: Command,
        rules: Arc<CollectionRules>,
    ) -> Result<Decision, WriteError> {
        let (answer, decision) = oneshot::channel();
        let request = Request {
            command,
            rules,
            answer,
        };
        self.queue.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => WriteError::Busy,
            TrySendError::Closed(_) => WriteError::Closing,
        })?;
        decision.await.unwrap_or(Err(WriteError::Closing))
    }

    /// Changes whenever versions were committed; tells the seq of the newest.
    pub fn committed(&self) -> watch::Receiver<Seq> {
        self.committed.clone()
    }

    pub fn load(&self) -> &WriterLoad {
        &self.load
    }

    /// How many commands are waiting.
    pub fn waiting(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }
}

/// Where commands arrive, and all that answering them takes.
struct Desk<S> {
    store: S,
    last_seq: Seq,
    requests: mpsc::Receiver<Request>,
    commits: watch::Sender<Seq>,
    load: Arc<WriterLoad>,
}

type Answer = Result<Decision, WriteError>;

impl<S: Store> Desk<S> {
    fn run(mut self) -> Result<(), StoreError> {
        let mut requests = Vec::with_capacity(BATCH_LIMIT);
        // No lingering for more: whoever waits while one batch commits makes up the next.
        while self.requests.blocking_recv_many(&mut requests, BATCH_LIMIT) > 0 {
            let answers = self.serve(&requests);
            for (request, answer) in requests.drain(..).zip(answers) {
                // Whoever asked may be gone; the decision stands.
                let _ = request.answer.send(answer);
            }
        }
        self.store.close()
    }

    /// Decides the requests, appends what they come to, and only then has answers.
    fn serve(&mut self, requests: &[Request]) -> Vec<Answer> {
        if let Err(error) = self.store.begin() {
            return vec![Err(self.report(&error)); requests.len()];
        }
        let now = Moment::from(SystemTime::now());
        let mut batch = Batch::new(&self.store, self.last_seq);
        let decisions: Vec<_> = requests
            .iter()
            .map(|request| decide_in(&mut batch, request, now))
            .collect();
        let applied = batch.into_applied();
        match self.store.append(&applied) {
            Ok(()) => {
                self.note(requests.len(), &applied);
                let answer = |decision: Result<Decision, StoreError>| {
                    decision.map_err(|error| self.report(&error))
                };
                decisions.into_iter().map(answer).collect()
            }
            // A refusal may rest on a write of this batch, so it falls with it.
            Err(error) => vec![Err(self.report(&error)); requests.len()],
        }
    }

    fn note(&mut self, requests: usize, applied: &[Applied]) {
        let refusals = (requests - applied.len()) as u64;
        self.load.refusals.fetch_add(refusals, Ordering::Relaxed);
        let Some(last) = applied.last() else { return };
        self.load.batches.fetch_add(1, Ordering::Relaxed);
        self.load
            .versions
            .fetch_add(applied.len() as u64, Ordering::Relaxed);
        self.last_seq = last.stored.seq;
        self.commits.send_replace(self.last_seq);
    }

    fn report(&self, error: &StoreError) -> WriteError {
        tracing::error!(%error, "a write failed");
        match error {
            StoreError::Unknown(_) => {
                // Memory may now say something else than the disk. Starting over is the only cure.
                tracing::error!("ending the process: what is on disk is unknown");
                std::process::abort();
            }
            StoreError::Full => WriteError::Full,
            _ => WriteError::Store,
        }
    }
}

fn decide_in<S: Store>(
    batch: &mut Batch<'_, S>,
    request: &Request,
    now: Moment,
) -> Result<Decision, StoreError> {
    let CollectionRules {
        rules,
        unconditional,
    } = &*request.rules;
    let seq = batch.next_seq();
    let decision = decide(batch, rules, *unconditional, &request.command, seq, now)?;
    if let Decision::Apply(applied) = &decision {
        batch.add((**applied).clone());
    }
    Ok(decision)
}
