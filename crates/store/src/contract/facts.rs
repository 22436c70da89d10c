use std::sync::Arc;

use detente_core::rules::Claim;
use detente_core::{Edit, Head, Key, Lock, Receipt, Seq, Stored};

use crate::{Order, Settlement, StoreError, Transaction};

/// What decisions rest on. All that is read in one turn, from [`Store::begin`](crate::Store::begin) to
/// [`Store::append`](crate::Store::append), is one state, or the commit of that turn is lost.
///
/// A store answers from what it has at hand. One that reads as it is asked never lacks anything but
/// by fault; one that is far away says what it wants to fetch first, many facts in one go.
pub trait Facts {
    /// The newest version of a document, tombstones included.
    ///
    /// # Errors
    ///
    /// [`Lack`] if the fact is not at hand.
    fn head(&self, key: &Key) -> Result<Option<Head>, Lack>;

    /// One version, by its place in the log that the turn is about.
    ///
    /// # Errors
    ///
    /// [`Lack`] if the fact is not at hand.
    fn version(&self, seq: Seq) -> Result<Option<Arc<Stored>>, Lack>;

    /// The id of the document that holds a unique key in the collection of `key`.
    ///
    /// # Errors
    ///
    /// [`Lack`] if the fact is not at hand.
    fn holder(&self, key: &Key, claim: &Claim) -> Result<Option<String>, Lack>;

    /// The lock of a document, also one that has expired.
    ///
    /// # Errors
    ///
    /// [`Lack`] if the fact is not at hand.
    fn lock(&self, key: &Key) -> Result<Option<Arc<Lock>>, Lack>;

    /// The locks of all that is below a folder, also those that have expired.
    ///
    /// # Errors
    ///
    /// [`Lack`] if the fact is not at hand.
    fn locks_below(&self, folder: &Key) -> Result<Vec<(Key, Arc<Lock>)>, Lack>;

    /// What a request came to that is to be performed once, by its scope.
    ///
    /// # Errors
    ///
    /// [`Lack`] if the fact is not at hand.
    fn receipt(&self, scope: &[u8; 32]) -> Result<Option<Receipt>, Lack>;

    /// What became of a conflict in the log; the outer `None` says that there is no such conflict.
    ///
    /// # Errors
    ///
    /// [`Lack`] if the fact is not at hand.
    fn settled(&self, id: &str) -> Result<Option<Option<Settlement>>, Lack>;
}

/// Of some locks those of what is below a folder, for [`Facts::locks_below`].
pub fn locks_below<'a>(
    locks: impl Iterator<Item = (&'a Key, &'a Arc<Lock>)>,
    folder: &Key,
) -> Vec<(Key, Arc<Lock>)> {
    let below = locks.filter(|(key, _)| key.is_below(folder));
    below
        .map(|(key, lock)| (key.clone(), Arc::clone(lock)))
        .collect()
}

/// Why a fact is not at hand.
#[derive(Debug)]
pub enum Lack {
    /// It must be fetched first.
    Wanted(Box<Want>),
    Fault(StoreError),
}

impl From<StoreError> for Lack {
    fn from(error: StoreError) -> Self {
        Self::Fault(error)
    }
}

/// A fact that is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Want {
    Head(Key),
    Version(Seq),
    /// The holder of a unique key in the collection of a document: its constraint and value.
    Holder(Key, String, String),
    /// The lock of a document, or all of those below a folder.
    Lock(Key),
    Receipt([u8; 32]),
    /// What became of a conflict in the log.
    Settled(String),
}

impl Want {
    /// Who holds a key in the collection of a document.
    pub fn holder(key: &Key, claim: &Claim) -> Self {
        Self::Holder(key.clone(), claim.constraint.clone(), claim.value.clone())
    }

    /// What orders will want for certain, as far as they tell. What is wanted besides, such as the
    /// bodies of versions or the holders of what a merge makes, shows when they are decided.
    pub fn of(orders: &[Order]) -> Vec<Self> {
        let mut wants = Vec::new();
        for order in orders {
            match order {
                Order::Write(asked) => Self::of_transaction(asked, &mut wants),
                Order::Lock(command) => Self::of_document(&command.key, &mut wants),
                Order::Log(_) | Order::Flush => {}
            }
        }
        wants
    }

    fn of_transaction(asked: &Transaction, wants: &mut Vec<Self>) {
        wants.extend(asked.once.map(|once| Self::Receipt(once.scope)));
        let settled = asked.settles.iter();
        wants.extend(settled.map(|settles| Self::Settled(settles.id.clone())));
        for (prepared, _) in &asked.writes {
            let command = &prepared.command;
            Self::of_document(&command.key, wants);
            if let Edit::Put(proposal) | Edit::Restore(proposal) = &command.edit {
                let claims = proposal.claims().iter();
                wants.extend(claims.map(|claim| Self::holder(&command.key, claim)));
            }
        }
    }

    fn of_document(key: &Key, wants: &mut Vec<Self>) {
        wants.extend([Self::Head(key.clone()), Self::Lock(key.clone())]);
    }
}
