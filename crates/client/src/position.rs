use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A place in the feed, to go on from with [`Since::After`](crate::Since::After), also after a restart: keep it
/// as text. Beside the `seq` of a change it names the log that this is in, so that a server whose store
/// was put back from an older copy tells so ([`Error::Reset`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    text: Box<str>,
    seq: u64,
}

impl Position {
    /// The place among all changes.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let seq = text.split('-').next()?.parse().ok()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        text.bytes().all(is_plain).then(|| Self {
            text: text.into(),
            seq,
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Of what [`Position`] shows, or of the `seq` of a change.
impl FromStr for Position {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::parse(text).ok_or_else(|| Error::Name(text.to_owned(), "a position in the feed"))
    }
}

/// A place in whatever log the server has now: it cannot tell whether that is the log that was read.
impl From<u64> for Position {
    fn from(seq: u64) -> Self {
        Self {
            text: seq.to_string().into(),
            seq,
        }
    }
}
