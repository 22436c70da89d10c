use detente_core::CollectionKey;
use detente_core::rules::Rules;

use crate::{BatchToken, Commit, Damage, Facts, Fate, Ground, Lack, Order, Reader, Time, Want};

/// A place where versions live, as one writer has it. Its readers are many; whether it has other
/// writers, on this node or another, is its own affair, and shows in [`Fate::Lost`] alone.
///
/// A turn: [`Store::begin`]; facts are read, or fetched and read; [`Store::append`].
pub trait Store: Facts + Send + 'static {
    type Reader: Reader + Clone;

    /// Whether it has one writer at a time: then a second one cannot be opened, and no commit is
    /// ever lost.
    const IS_EXCLUSIVE: bool;

    fn reader(&self) -> Self::Reader;

    /// Waits until it is this writer's turn in a space, where others are ahead in its log. True: it
    /// waited, and the next turn is about that space.
    fn wait(&mut self, space: &str) -> bool {
        let _ = space;
        false
    }

    /// Begins a turn that will decide `orders`. Where each space has a log of its own, all orders that
    /// have a space have the same, and the turn is about its log. A store that fetches facts may fetch
    /// what [`Want::of`] says in the same round trip.
    ///
    /// `clock` is what this node takes for the time. The time of the turn is never before that of a
    /// turn before it, and may come from another clock.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn begin(&mut self, orders: &[Order], clock: Time) -> Result<Ground, StoreError>;

    /// Brings facts to hand, for the rest of the turn.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn fetch(&mut self, wants: &[Want]) -> Result<(), StoreError>;

    /// Ends the turn, if one was begun, and writes a commit: all of it or nothing.
    ///
    /// An empty commit writes nothing, but is [`Fate::Lost`] as any other: refusals, too, must rest
    /// on one state.
    fn append(&mut self, commit: &Commit) -> Fate;

    /// What became of a commit that was [`Fate::Unknown`]: [`Fate::Committed`], or [`Fate::Lost`];
    /// and then it stays so, for what is still under way is prevented from being written. May wait
    /// for the store, and answer [`Fate::Unknown`] again.
    fn fate(&mut self, batch: BatchToken) -> Fate;

    /// Brings the stored keys in line with the rules of all collections: keys of constraints that
    /// are new or changed are built from the documents, all others are dropped. A constraint that
    /// is not there while documents are written is built anew when it comes back.
    ///
    /// Returns the documents that collide, if any; then nothing was changed.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read or written.
    fn constrain(
        &mut self,
        rules: &[(&str, &Rules)],
    ) -> Result<Vec<ConstraintConflict>, StoreError>;

    /// Whether the stored keys of a collection are those of its rules.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn has_keys(&self, collection: &str, rules: &Rules) -> Result<bool, StoreError>;

    /// Makes the next start fast. Not needed for durability.
    ///
    /// # Errors
    ///
    /// [`StoreError`]; nothing is lost.
    fn close(&mut self) -> Result<(), StoreError>;

    /// One fact, fetched first where it is not at hand.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the store cannot be read.
    fn know<T>(&mut self, ask: impl Fn(&Self) -> Result<T, Lack>) -> Result<T, StoreError>
    where
        Self: Sized,
    {
        loop {
            match ask(self) {
                Ok(fact) => return Ok(fact),
                Err(Lack::Wanted(want)) => self.fetch(&[*want])?,
                Err(Lack::Fault(error)) => return Err(error),
            }
        }
    }
}

/// Two stored documents have the same key of a constraint that is to hold from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConstraintConflict {
    pub collection: CollectionKey,
    pub constraint: String,
    pub holder: String,
    pub other: String,
}

/// Why a store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no room. What was there is intact, and can be read.
    #[error("no space left for the store")]
    Full,
    /// A write may or may not have become durable: nothing that this process believes can be trusted.
    #[error("whether a write reached the disk is unknown: {0}")]
    Unknown(String),
    /// It cannot be reached for now.
    #[error("the store cannot be reached")]
    Away,
    #[error("the store is damaged: {0}")]
    Damaged(Damage),
    #[error("the store failed: {0}")]
    Failed(String),
}
