use std::fmt::Debug;

use crate::StoreError;

/// A point in the work of a store at which something may go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Begin,
    Read,
    /// Before a record of a commit is written.
    Record,
    /// All records are written; the mark that makes them count is not.
    Mark,
    /// The commit is durable.
    Marked,
    /// Before the store says what became of a commit.
    Ask,
    Close,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    Fails,
    Full,
    /// The disk cannot be reached.
    Away,
    /// Nobody hears what became of a commit, which may be written. At [`Step::Mark`] alone.
    Silence(Landing),
    /// The process ends where it stands.
    Down,
}

/// Whether a commit is written of which nobody hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landing {
    AtOnce,
    /// It is under way until [`super::Disk::land`], and written then if nothing came between.
    Late,
    Never,
}

/// What goes wrong, if anything.
pub trait Weather: Debug + Send + Sync {
    /// Called before each step.
    ///
    /// # Errors
    ///
    /// What goes wrong there. At [`Step::Marked`] only [`Mishap::Down`] may.
    fn meet(&self, step: Step) -> Result<(), Mishap>;
}

/// Nothing goes wrong.
#[derive(Debug)]
pub(super) struct Calm;

impl Weather for Calm {
    fn meet(&self, _: Step) -> Result<(), Mishap> {
        Ok(())
    }
}

impl Mishap {
    /// As whoever asked is told.
    pub(super) fn told(self) -> StoreError {
        match self {
            Self::Full => StoreError::Full,
            Self::Away => StoreError::Away,
            Self::Fails => StoreError::Failed("as planned".into()),
            Self::Silence(_) | Self::Down => StoreError::Unknown("the process is down".into()),
        }
    }
}
