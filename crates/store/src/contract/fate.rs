use crate::StoreError;

/// What became of a commit.
#[derive(Debug)]
pub enum Fate {
    /// It is durable, and can be read.
    Committed,
    /// Another writer was first, so what was decided may rest on what is no longer so. Nothing was
    /// written; decide again.
    Lost,
    /// There is no room. Nothing was written, and what was there is intact.
    Full,
    /// The store cannot be reached. Nothing was written.
    Away,
    /// Nothing was written.
    Failed(StoreError),
    /// It is written, or not, or will be yet: ask [`Store::fate`](crate::Store::fate).
    Unknown(BatchToken),
}

/// Names a commit whose fate is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BatchToken(pub u128);

impl Fate {
    /// Of a commit that failed before anything of it was written.
    pub fn unwritten(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::Full,
            StoreError::Away => Self::Away,
            error => Self::Failed(error),
        }
    }
}
