use std::fmt;

use detente_core::{Key, Seq};

/// What a store found that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Damage {
    /// A version in the log.
    Version {
        seq: Seq,
        /// Its document and its number, where what says so is sound.
        document: Option<(Key, u64)>,
    },
    /// Something beside the log, in words.
    Other(String),
}

impl Damage {
    /// A version of which nothing is known but its place.
    pub fn at(seq: Seq) -> Self {
        let document = None;
        Self::Version { seq, document }
    }
}

impl From<String> for Damage {
    fn from(what: String) -> Self {
        Self::Other(what)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version {
                seq,
                document: Some((key, version)),
            } => write!(
                f,
                "version {version} of {key:?} (seq {seq}) is not as it was written"
            ),
            Self::Version {
                seq,
                document: None,
            } => write!(f, "seq {seq} of the log is not as it was written"),
            Self::Other(what) => f.write_str(what),
        }
    }
}
