use std::sync::Arc;

use detente_core::Seq;
use detente_store::{Health, Reader, WriteError, WriterHandle};

use crate::Outcome;
use crate::budget::Budget;
use crate::explanation::What;
use crate::metrics::Metrics;
use crate::policy::{Collection, Policy};
use crate::reading::Reading;
use crate::touched::Touched;
use crate::turns::Turns;

/// What every use case needs. Faces share one.
#[derive(Debug)]
pub struct Service {
    pub policy: Policy,
    pub metrics: Metrics,
    pub(crate) reading: Reading,
    pub(crate) writer: WriterHandle,
    pub(crate) touched: Touched,
    pub(crate) turns: Turns,
    pub(crate) budget: Budget,
}

impl Service {
    /// A service that reads by `reader` what `writer` made durable.
    pub fn new(policy: Policy, reader: Arc<dyn Reader>, writer: WriterHandle) -> Self {
        let metrics = Metrics::new(policy.labels());
        Self {
            reading: Reading::new(reader, metrics.reads()),
            metrics,
            writer,
            touched: Touched::new(),
            turns: Turns::default(),
            budget: Budget::new(),
            policy,
        }
    }

    /// The same service under another policy: what is under way goes on as it began, and all that is
    /// counted goes on, too.
    pub fn under(&self, policy: Policy) -> Self {
        Self {
            metrics: self.metrics.by_collections(policy.labels()),
            reading: self.reading.clone(),
            writer: self.writer.clone(),
            touched: self.touched.clone(),
            turns: self.turns.clone(),
            budget: self.budget.clone(),
            policy,
        }
    }

    /// How a collection is treated.
    ///
    /// # Errors
    ///
    /// [`What::NoCollection`] if it must not exist.
    pub fn collection(&self, name: &str) -> Outcome<&Arc<Collection>> {
        let found = self.policy.collection(name);
        found.ok_or_else(|| What::NoCollection(name.to_owned()).into())
    }

    /// Whether other nodes may have written what does not show here yet.
    pub fn lags(&self) -> bool {
        self.reading.lags()
    }

    /// Waits until all that was acknowledged in a space before, on any node, shows in what is read.
    ///
    /// # Errors
    ///
    /// [`What::Away`] if the store cannot be asked.
    pub async fn fresh(&self, space: &str) -> Outcome<()> {
        self.reading.fresh(space).await
    }

    /// The seq of the newest version in the log of a space.
    pub fn last_seq(&self, space: &str) -> Seq {
        self.reading.last_seq(space)
    }

    /// Whether the store can be read.
    ///
    /// # Errors
    ///
    /// [`What::Failed`] if not.
    pub async fn ping(&self) -> Outcome<()> {
        self.reading.ping().await
    }

    /// What the store noticed about itself.
    pub fn health(&self) -> Health {
        self.reading.health()
    }

    /// What the writer did so far, and how much waits for it.
    pub fn writer(&self) -> &WriterHandle {
        &self.writer
    }

    /// Writes what waits for the conflict log.
    ///
    /// # Errors
    ///
    /// Those of the store.
    pub async fn flush(&self) -> Outcome<()> {
        self.writer.flush().await.map_err(not_written)
    }
}

pub(crate) fn not_written(error: WriteError) -> Box<crate::Explanation> {
    match error {
        WriteError::Busy => What::Busy.into(),
        WriteError::Closing => What::Closing.into(),
        WriteError::Full => What::Full.into(),
        WriteError::Away => What::Away.into(),
        WriteError::Unknown => What::Unknown.into(),
        WriteError::Damaged(damage) => What::Damaged(damage).into(),
        WriteError::Store => What::failed("the store failed; see the writer's own line").into(),
    }
}
